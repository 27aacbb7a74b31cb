-- Attempts to reach another tenant's rows, ever: the sequence counts those in rolled back transactions too.
SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM cross_tenant_attempts
