#!/bin/sh
# Runs once, when PostgreSQL creates its data folder. Two roles: `migrator` owns the schema; `app`, which the servers
# use, owns nothing and cannot pass row-level security. `balance migrate --app-role app` grants what it needs.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  -v migrator_password="$MIGRATOR_PASSWORD" -v app_password="$APP_PASSWORD" <<'SQL'
create role migrator login nosuperuser nobypassrls password :'migrator_password';
create role app login nosuperuser nobypassrls password :'app_password';
create database balance owner migrator;
revoke connect on database balance from public;
grant connect on database balance to app;
\connect balance
create extension if not exists vector;
create extension if not exists pg_trgm;
SQL
