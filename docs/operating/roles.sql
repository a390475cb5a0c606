-- Once, as a superuser, before the first release: psql -f docs/operating/roles.sql
-- hearflow_owner is for npm run release, hearflow_runtime for web and worker. Give each its password
-- afterwards, by \password hearflow_owner and \password hearflow_runtime.
create role hearflow_owner login;
create role hearflow_runtime login;
create database hearflow owner hearflow_owner;
revoke all on database hearflow from public;
grant connect on database hearflow to hearflow_runtime;

\connect hearflow
revoke all on schema public from public;
grant all on schema public to hearflow_owner;
