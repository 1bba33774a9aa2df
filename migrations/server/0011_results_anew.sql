-- Sums may have kept votes of forms that changed while they were taken in: all are added up anew.
TRUNCATE result, result_place, result_table;
UPDATE result_state SET upto = 0;
