-- The first start of the database makes core_db; the other two services have their own.
CREATE DATABASE e14_db;
CREATE DATABASE dashboard_db;
