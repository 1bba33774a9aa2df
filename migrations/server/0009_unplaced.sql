-- Forms that are in no sum, since their table or corporación was not read: counted with every look at the results.
CREATE INDEX form_unplaced ON form (id) WHERE votes IS NOT NULL AND NOT demo AND (departamento IS NULL
    OR municipio IS NULL OR zona IS NULL OR puesto IS NULL OR mesa IS NULL OR corporacion IS NULL);
