--
-- PostgreSQL database dump
--

\restrict cJm3b4sVo54VDAXdIowSwB0a6vtrv896B2X91rNJu1RIKDRbPfKA2bM6gxpMn9D

-- Dumped from database version 18.4
-- Dumped by pg_dump version 18.4

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: dbos; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA dbos;


--
-- Name: tieout; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA tieout;


--
-- Name: enqueue_workflow(text, text, json[], json, text, text, text, text, bigint, bigint, text, integer, text, text, text, bigint, text); Type: FUNCTION; Schema: dbos; Owner: -
--

CREATE FUNCTION dbos.enqueue_workflow(workflow_name text, queue_name text, positional_args json[] DEFAULT ARRAY[]::json[], named_args json DEFAULT '{}'::json, class_name text DEFAULT NULL::text, config_name text DEFAULT NULL::text, workflow_id text DEFAULT NULL::text, app_version text DEFAULT NULL::text, timeout_ms bigint DEFAULT NULL::bigint, deadline_epoch_ms bigint DEFAULT NULL::bigint, deduplication_id text DEFAULT NULL::text, priority integer DEFAULT NULL::integer, queue_partition_key text DEFAULT NULL::text, authenticated_user text DEFAULT NULL::text, authenticated_roles text DEFAULT NULL::text, delay_until_epoch_ms bigint DEFAULT NULL::bigint, application_name text DEFAULT NULL::text) RETURNS text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_workflow_id TEXT;
    v_serialized_inputs TEXT;
    v_owner_xid TEXT;
    v_now BIGINT;
    v_recovery_attempts INT4 := 0;
    v_priority INT4;
    v_status TEXT;
BEGIN

    -- Validate required parameters
    IF workflow_name IS NULL OR workflow_name = '' THEN
        RAISE EXCEPTION 'Workflow name cannot be null or empty';
    END IF;
    IF queue_name IS NULL OR queue_name = '' THEN
        RAISE EXCEPTION 'Queue name cannot be null or empty';
    END IF;
    IF named_args IS NOT NULL AND jsonb_typeof(named_args::jsonb) != 'object' THEN
        RAISE EXCEPTION 'Named args must be a JSON object';
    END IF;
    IF workflow_id IS NOT NULL AND workflow_id = '' THEN
        RAISE EXCEPTION 'Workflow ID cannot be an empty string if provided.';
    END IF;
    IF delay_until_epoch_ms IS NOT NULL AND delay_until_epoch_ms < 0 THEN
        RAISE EXCEPTION 'delay_until_epoch_ms must be >= 0';
    END IF;

    v_workflow_id := COALESCE(workflow_id, gen_random_uuid()::TEXT);
    v_owner_xid := gen_random_uuid()::TEXT;
    v_priority := COALESCE(priority, 0);
    v_serialized_inputs := json_build_object(
        'positionalArgs', positional_args,
        'namedArgs', named_args
    )::TEXT;
    v_now := EXTRACT(epoch FROM now()) * 1000;
    v_status := CASE WHEN delay_until_epoch_ms IS NULL THEN 'ENQUEUED' ELSE 'DELAYED' END;

    INSERT INTO "dbos".workflow_status (
        workflow_uuid, status,
        name, class_name, config_name,
        queue_name, deduplication_id, priority, queue_partition_key,
        application_version,
        created_at, updated_at, recovery_attempts,
        workflow_timeout_ms, workflow_deadline_epoch_ms,
        parent_workflow_id, owner_xid, serialization,
        authenticated_user, authenticated_roles,
        delay_until_epoch_ms, application_name
    ) VALUES (
        v_workflow_id, v_status,
        workflow_name, class_name, config_name,
        queue_name, deduplication_id, v_priority, queue_partition_key,
        app_version,
        v_now, v_now, v_recovery_attempts,
        timeout_ms, deadline_epoch_ms,
        NULL, v_owner_xid, 'portable_json',
        authenticated_user, authenticated_roles,
        delay_until_epoch_ms, application_name
    )
    ON CONFLICT (workflow_uuid)
    DO UPDATE SET
        updated_at = EXCLUDED.updated_at;

    INSERT INTO "dbos".workflow_input (
        workflow_uuid, inputs, retention_timestamp
    ) VALUES (
        v_workflow_id, v_serialized_inputs, v_now
    )
    ON CONFLICT (workflow_uuid) DO NOTHING;

    RETURN v_workflow_id;

EXCEPTION
    WHEN unique_violation THEN
        RAISE EXCEPTION 'DBOS queue duplicated'
            USING DETAIL = format('Workflow %s with queue %s and deduplication ID %s already exists', v_workflow_id, queue_name, deduplication_id),
                ERRCODE = 'unique_violation';
END;
$$;


--
-- Name: notifications_function(); Type: FUNCTION; Schema: dbos; Owner: -
--

CREATE FUNCTION dbos.notifications_function() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    payload text := NEW.destination_uuid || '::' || NEW.topic;
BEGIN
    PERFORM pg_notify('dbos_notifications_channel', payload);
    RETURN NEW;
END;
$$;


--
-- Name: send_message(text, json, text, text); Type: FUNCTION; Schema: dbos; Owner: -
--

CREATE FUNCTION dbos.send_message(destination_id text, message json, topic text DEFAULT NULL::text, message_id text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_topic TEXT := COALESCE(topic, '__null__topic__');
    v_message_id TEXT := COALESCE(message_id, gen_random_uuid()::TEXT);
BEGIN
    INSERT INTO "dbos".notifications (
        destination_uuid, topic, message, message_uuid, serialization
    ) VALUES (
        destination_id, v_topic, message, v_message_id, 'portable_json'
    )
    ON CONFLICT (message_uuid) DO NOTHING;
EXCEPTION
    WHEN foreign_key_violation THEN
        RAISE EXCEPTION 'DBOS non-existent workflow'
            USING DETAIL = format('Destination workflow %s does not exist', destination_id),
                ERRCODE = 'foreign_key_violation';
END;
$$;


--
-- Name: approval_of_another(); Type: FUNCTION; Schema: tieout; Owner: -
--

CREATE FUNCTION tieout.approval_of_another() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  perform pg_advisory_xact_lock(hashtextextended(new.flow || '/' || new.subject || '/' || new.terms_hash, 0));
  if exists (
    select from approval a where a.flow = new.flow and a.subject = new.subject and a.terms_hash = new.terms_hash
      and a.id <> new.id and a.state = 'approved' and lower(a.decided_by) = lower(new.decided_by)
  ) then
    raise exception 'each approval of the same terms is somebody else''s to give' using errcode = 'check_violation';
  end if;
  return new;
end $$;


--
-- Name: charged_minutes(integer, integer, text); Type: FUNCTION; Schema: tieout; Owner: -
--

CREATE FUNCTION tieout.charged_minutes(minutes integer, increment integer, direction text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select sign(minutes)::integer * increment
    * (case when direction = 'up' then ceil(abs(minutes)::numeric / increment)
            else floor(abs(minutes)::numeric / increment + 0.5) end)::integer
$$;


--
-- Name: entry_amount(numeric, numeric, text); Type: FUNCTION; Schema: tieout; Owner: -
--

CREATE FUNCTION tieout.entry_amount(minutes numeric, rate numeric, currency text) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select round(rate * minutes / 60, minor_digits(currency))
$$;


--
-- Name: entry_as(text, text, date); Type: FUNCTION; Schema: tieout; Owner: -
--

CREATE FUNCTION tieout.entry_as(task text, person text, work_date date) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select task || '|' || person || '|' || lpad(extract(year from work_date)::text, 4, '0')
    || '-' || lpad(extract(month from work_date)::text, 2, '0') || '-' || lpad(extract(day from work_date)::text, 2, '0')
$$;


--
-- Name: minor_digits(text); Type: FUNCTION; Schema: tieout; Owner: -
--

CREATE FUNCTION tieout.minor_digits(currency text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select case
    when currency in ('CLP', 'ISK', 'JPY', 'KRW', 'VND') then 0
    when currency in ('BHD', 'IQD', 'JOD', 'KWD', 'OMR', 'TND') then 3
    else 2
  end
$$;


--
-- Name: server_timeline(); Type: FUNCTION; Schema: tieout; Owner: -
--

CREATE FUNCTION tieout.server_timeline() RETURNS text
    LANGUAGE sql
    AS $$
  select substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)
$$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: application_versions; Type: TABLE; Schema: dbos; Owner: -
--

CREATE TABLE dbos.application_versions (
    version_id text NOT NULL,
    version_name text NOT NULL,
    version_timestamp bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    created_at bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    application_name text
);


--
-- Name: dbos_migrations; Type: TABLE; Schema: dbos; Owner: -
--

CREATE TABLE dbos.dbos_migrations (
    version bigint NOT NULL
);


--
-- Name: event_dispatch_kv; Type: TABLE; Schema: dbos; Owner: -
--

CREATE TABLE dbos.event_dispatch_kv (
    service_name text NOT NULL,
    workflow_fn_name text NOT NULL,
    key text NOT NULL,
    value text,
    update_seq numeric(38,0),
    update_time numeric(38,15)
);


--
-- Name: notifications; Type: TABLE; Schema: dbos; Owner: -
--

CREATE TABLE dbos.notifications (
    message_uuid text DEFAULT gen_random_uuid() NOT NULL,
    destination_uuid text NOT NULL,
    topic text,
    message text NOT NULL,
    created_at_epoch_ms bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    serialization text,
    consumed boolean DEFAULT false NOT NULL,
    consumed_by_function_id integer
);


--
-- Name: operation_outputs; Type: TABLE; Schema: dbos; Owner: -
--

CREATE TABLE dbos.operation_outputs (
    workflow_uuid text NOT NULL,
    function_id integer NOT NULL,
    function_name text DEFAULT ''::text NOT NULL,
    output text,
    error text,
    child_workflow_id text,
    started_at_epoch_ms bigint,
    completed_at_epoch_ms bigint,
    serialization text,
    application_name text,
    retention_timestamp bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL
);


--
-- Name: queues; Type: TABLE; Schema: dbos; Owner: -
--

CREATE TABLE dbos.queues (
    queue_id text DEFAULT (gen_random_uuid())::text NOT NULL,
    name text NOT NULL,
    concurrency integer,
    worker_concurrency integer,
    rate_limit_max integer,
    rate_limit_period_sec double precision,
    priority_enabled boolean DEFAULT false NOT NULL,
    partition_queue boolean DEFAULT false NOT NULL,
    polling_interval_sec double precision DEFAULT 1.0 NOT NULL,
    created_at bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    updated_at bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    application_name text,
    partition_concurrency integer,
    partition_worker_concurrency integer,
    partition_rate_limit_max integer,
    partition_rate_limit_period_sec double precision
);


--
-- Name: streams; Type: TABLE; Schema: dbos; Owner: -
--

CREATE TABLE dbos.streams (
    workflow_uuid text NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    "offset" integer NOT NULL,
    function_id integer DEFAULT 0 NOT NULL,
    serialization text
);


--
-- Name: workflow_events; Type: TABLE; Schema: dbos; Owner: -
--

CREATE TABLE dbos.workflow_events (
    workflow_uuid text NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    serialization text
);


--
-- Name: workflow_events_history; Type: TABLE; Schema: dbos; Owner: -
--

CREATE TABLE dbos.workflow_events_history (
    workflow_uuid text NOT NULL,
    function_id integer NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    serialization text
);


--
-- Name: workflow_input; Type: TABLE; Schema: dbos; Owner: -
--

CREATE TABLE dbos.workflow_input (
    workflow_uuid text NOT NULL,
    inputs text,
    retention_timestamp bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL
);


--
-- Name: workflow_output; Type: TABLE; Schema: dbos; Owner: -
--

CREATE TABLE dbos.workflow_output (
    workflow_uuid text NOT NULL,
    output text,
    error text,
    retention_timestamp bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL
);


--
-- Name: workflow_schedules; Type: TABLE; Schema: dbos; Owner: -
--

CREATE TABLE dbos.workflow_schedules (
    schedule_id text NOT NULL,
    schedule_name text NOT NULL,
    workflow_name text NOT NULL,
    workflow_class_name text,
    schedule text NOT NULL,
    status text DEFAULT 'ACTIVE'::text NOT NULL,
    context text NOT NULL,
    last_fired_at text,
    automatic_backfill boolean DEFAULT false NOT NULL,
    cron_timezone text,
    queue_name text,
    application_name text
);


--
-- Name: workflow_status; Type: TABLE; Schema: dbos; Owner: -
--

CREATE TABLE dbos.workflow_status (
    workflow_uuid text NOT NULL,
    status text,
    name text,
    authenticated_user text,
    assumed_role text,
    authenticated_roles text,
    request text,
    output text,
    error text,
    executor_id text,
    created_at bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    updated_at bigint DEFAULT ((EXTRACT(epoch FROM now()) * 1000.0))::bigint NOT NULL,
    application_version text,
    application_id text,
    class_name character varying(255) DEFAULT NULL::character varying,
    config_name character varying(255) DEFAULT NULL::character varying,
    recovery_attempts bigint DEFAULT 0,
    queue_name text,
    workflow_timeout_ms bigint,
    workflow_deadline_epoch_ms bigint,
    inputs text,
    started_at_epoch_ms bigint,
    deduplication_id text,
    priority integer DEFAULT 0 NOT NULL,
    queue_partition_key text,
    forked_from text,
    owner_xid text,
    parent_workflow_id text,
    serialization text,
    delay_until_epoch_ms bigint,
    was_forked_from boolean DEFAULT false NOT NULL,
    rate_limited boolean DEFAULT false NOT NULL,
    completed_at bigint,
    attributes jsonb,
    schedule_name text,
    debounce_deadline_epoch_ms bigint,
    is_debounced boolean DEFAULT false NOT NULL,
    application_name text,
    creator_xid text
);


--
-- Name: access_session; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.access_session (
    token_hash text NOT NULL,
    access_token bigint NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone
);


--
-- Name: access_token; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.access_token (
    id bigint NOT NULL,
    token_hash text NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    roles text[] NOT NULL,
    issued_by text NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    revoked_by text DEFAULT ''::text NOT NULL,
    CONSTRAINT access_token_email_check CHECK (((email <> ''::text) AND (email = lower(email)))),
    CONSTRAINT access_token_name_check CHECK ((name <> ''::text)),
    CONSTRAINT access_token_roles_check CHECK (((cardinality(roles) > 0) AND (roles <@ ARRAY['viewer'::text, 'operator'::text, 'finance'::text, 'engineer'::text])))
);


--
-- Name: access_token_id_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.access_token ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.access_token_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: approval; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.approval (
    id bigint NOT NULL,
    flow text NOT NULL,
    subject text NOT NULL,
    terms_hash text NOT NULL,
    title text NOT NULL,
    terms jsonb NOT NULL,
    entity text,
    engagement text,
    amount_minor numeric DEFAULT 0 NOT NULL,
    currency text DEFAULT ''::text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    decided_by text,
    decided_at timestamp with time zone,
    reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT approval_check CHECK ((decided_by <> requested_by)),
    CONSTRAINT approval_state_check CHECK ((state = ANY (ARRAY['open'::text, 'approved'::text, 'rejected'::text])))
);


--
-- Name: approval_id_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.approval ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.approval_id_seq
    START WITH 501
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: audit; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.audit (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    previous text NOT NULL,
    hash text NOT NULL,
    content text
);


--
-- Name: audit_id_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: bell; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.bell (
    connection text NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    record_id text NOT NULL,
    rung_at timestamp with time zone NOT NULL,
    answered_at timestamp with time zone,
    content text DEFAULT ''::text NOT NULL
);


--
-- Name: billable_event; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.billable_event (
    connection text NOT NULL,
    source_id text NOT NULL,
    kind text NOT NULL,
    engagement text NOT NULL,
    entity text NOT NULL,
    project text NOT NULL,
    currency text NOT NULL,
    sold text NOT NULL,
    day date NOT NULL,
    worth numeric NOT NULL,
    contract_version integer NOT NULL,
    name text NOT NULL,
    basis jsonb NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    CONSTRAINT billable_event_kind_check CHECK ((kind = ANY (ARRAY['expense'::text, 'fee'::text, 'usage'::text])))
);


--
-- Name: channel; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.channel (
    name text NOT NULL,
    state text DEFAULT 'well'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    not_before timestamp with time zone,
    last_sent_at timestamp with time zone,
    CONSTRAINT channel_state_check CHECK ((state = ANY (ARRAY['well'::text, 'failing'::text, 'broken'::text])))
);


--
-- Name: connection; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.connection (
    name text NOT NULL,
    kind text NOT NULL,
    role text NOT NULL,
    entity text,
    state text DEFAULT 'active'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    health jsonb DEFAULT '{}'::jsonb NOT NULL,
    checked_at timestamp with time zone,
    CONSTRAINT connection_state_check CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text])))
);


--
-- Name: intake; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.intake (
    id bigint NOT NULL,
    connection text NOT NULL,
    kind text NOT NULL,
    day date NOT NULL,
    currency text DEFAULT ''::text NOT NULL,
    messages integer NOT NULL,
    amount_minor numeric NOT NULL
);


--
-- Name: message; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.message (
    id bigint NOT NULL,
    connection text NOT NULL,
    kind text NOT NULL,
    record_id text NOT NULL,
    version text NOT NULL,
    day date NOT NULL,
    currency text DEFAULT ''::text NOT NULL,
    amount_minor numeric DEFAULT 0 NOT NULL,
    via text NOT NULL,
    payload jsonb,
    deleted boolean DEFAULT false NOT NULL,
    merged_into text,
    received_at timestamp with time zone NOT NULL,
    state text DEFAULT 'received'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    run_id text,
    settled_at timestamp with time zone,
    told_until text,
    CONSTRAINT message_check CHECK (((state <> 'ignored'::text) OR (reason <> ''::text))),
    CONSTRAINT message_state_check CHECK ((state = ANY (ARRAY['received'::text, 'in_flight'::text, 'done'::text, 'held'::text, 'ignored'::text]))),
    CONSTRAINT message_via_check CHECK ((via = ANY (ARRAY['sweep'::text, 'doorbell'::text])))
);


--
-- Name: conservation; Type: VIEW; Schema: tieout; Owner: -
--

CREATE VIEW tieout.conservation AS
 SELECT COALESCE(i.connection, m.connection) AS connection,
    COALESCE(i.kind, m.kind) AS kind,
    COALESCE(i.day, m.day) AS day,
    COALESCE(i.currency, m.currency) AS currency,
    COALESCE(i.messages, (0)::bigint) AS received,
    COALESCE(m.done, (0)::bigint) AS done,
    COALESCE(m.held, (0)::bigint) AS held,
    COALESCE(m.ignored, (0)::bigint) AS ignored,
    COALESCE(m.in_flight, (0)::bigint) AS in_flight,
    (COALESCE(i.messages, (0)::bigint) - COALESCE(m.messages, (0)::bigint)) AS missing,
    COALESCE(i.amount_minor, (0)::numeric) AS received_minor,
    COALESCE(m.done_minor, (0)::numeric) AS done_minor,
    COALESCE(m.held_minor, (0)::numeric) AS held_minor,
    COALESCE(m.ignored_minor, (0)::numeric) AS ignored_minor,
    COALESCE(m.in_flight_minor, (0)::numeric) AS in_flight_minor,
    (COALESCE(i.amount_minor, (0)::numeric) - COALESCE(m.amount_minor, (0)::numeric)) AS missing_minor
   FROM (( SELECT intake.connection,
            intake.kind,
            intake.day,
            intake.currency,
            sum(intake.messages) AS messages,
            sum(intake.amount_minor) AS amount_minor
           FROM tieout.intake
          GROUP BY intake.connection, intake.kind, intake.day, intake.currency) i
     FULL JOIN ( SELECT message.connection,
            message.kind,
            message.day,
            message.currency,
            count(*) AS messages,
            count(*) FILTER (WHERE (message.state = 'done'::text)) AS done,
            count(*) FILTER (WHERE (message.state = 'held'::text)) AS held,
            count(*) FILTER (WHERE (message.state = 'ignored'::text)) AS ignored,
            count(*) FILTER (WHERE (message.state = ANY (ARRAY['received'::text, 'in_flight'::text]))) AS in_flight,
            sum(message.amount_minor) AS amount_minor,
            sum(message.amount_minor) FILTER (WHERE (message.state = 'done'::text)) AS done_minor,
            sum(message.amount_minor) FILTER (WHERE (message.state = 'held'::text)) AS held_minor,
            sum(message.amount_minor) FILTER (WHERE (message.state = 'ignored'::text)) AS ignored_minor,
            sum(message.amount_minor) FILTER (WHERE (message.state = ANY (ARRAY['received'::text, 'in_flight'::text]))) AS in_flight_minor
           FROM tieout.message
          GROUP BY message.connection, message.kind, message.day, message.currency) m USING (connection, kind, day, currency));


--
-- Name: contract_shown; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.contract_shown (
    engagement text NOT NULL,
    connection text NOT NULL,
    version integer NOT NULL,
    shown_at timestamp with time zone NOT NULL
);


--
-- Name: crosswalk; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.crosswalk (
    connection text NOT NULL,
    kind text NOT NULL,
    record_id text NOT NULL,
    key text NOT NULL,
    alias boolean DEFAULT false NOT NULL,
    since timestamp with time zone NOT NULL
);


--
-- Name: cursor; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.cursor (
    connection text NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    advanced_at timestamp with time zone NOT NULL,
    again boolean DEFAULT false NOT NULL,
    caught_up boolean DEFAULT false NOT NULL,
    waits text DEFAULT ''::text NOT NULL
);


--
-- Name: cursor_mark; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.cursor_mark (
    connection text NOT NULL,
    kind text NOT NULL,
    marked_at timestamp with time zone NOT NULL,
    value text NOT NULL
);


--
-- Name: decision; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.decision (
    subject text NOT NULL,
    code text NOT NULL,
    choice text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    decided_by text NOT NULL,
    decided_at timestamp with time zone NOT NULL
);


--
-- Name: delivery_batch; Type: SEQUENCE; Schema: tieout; Owner: -
--

CREATE SEQUENCE tieout.delivery_batch
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: document; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.document (
    kind text NOT NULL,
    key text NOT NULL,
    version integer NOT NULL,
    schema_version integer NOT NULL,
    entity text,
    engagement text,
    fingerprint text NOT NULL,
    body jsonb NOT NULL,
    trail jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: effect; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.effect (
    key text NOT NULL,
    connection text NOT NULL,
    operation text NOT NULL,
    guarantee character(1) NOT NULL,
    subject text NOT NULL,
    version text NOT NULL,
    entity text,
    engagement text,
    run_id text NOT NULL,
    request bytea NOT NULL,
    state text NOT NULL,
    attempts integer DEFAULT 1 NOT NULL,
    planned_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    look_again_at timestamp with time zone,
    receipt jsonb,
    detail text DEFAULT ''::text NOT NULL,
    answered jsonb,
    CONSTRAINT effect_guarantee_check CHECK ((guarantee = ANY (ARRAY['A'::bpchar, 'B'::bpchar, 'C'::bpchar, 'D'::bpchar, 'E'::bpchar]))),
    CONSTRAINT effect_state_check CHECK ((state = ANY (ARRAY['sent'::text, 'unknown'::text, 'done'::text, 'refused'::text, 'superseded'::text])))
);


--
-- Name: evidence; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.evidence (
    invoice text NOT NULL,
    line text NOT NULL,
    connection text NOT NULL,
    source_id text NOT NULL,
    entry_version text NOT NULL,
    minutes integer NOT NULL,
    amount numeric NOT NULL,
    rate numeric,
    person text NOT NULL,
    task text NOT NULL,
    work_date date NOT NULL,
    approved_by text NOT NULL,
    approved_at timestamp with time zone,
    contract_version integer NOT NULL,
    rate_card text NOT NULL,
    rate_card_version integer NOT NULL,
    mapping text NOT NULL,
    sold text DEFAULT ''::text NOT NULL,
    worth numeric NOT NULL,
    agreed numeric,
    why text DEFAULT ''::text NOT NULL,
    kind text DEFAULT 'time'::text NOT NULL,
    basis jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT evidence_check CHECK (((kind <> 'time'::text) OR ((rate IS NOT NULL) AND (agreed IS NOT NULL)))),
    CONSTRAINT evidence_kind_check CHECK ((kind = ANY (ARRAY['time'::text, 'expense'::text, 'fee'::text, 'usage'::text])))
);


--
-- Name: expense; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.expense (
    connection text NOT NULL,
    source_id text NOT NULL,
    version text NOT NULL,
    project_ref text NOT NULL,
    task_ref text NOT NULL,
    person text NOT NULL,
    day date NOT NULL,
    category text NOT NULL,
    notes text DEFAULT ''::text NOT NULL,
    receipt_amount numeric NOT NULL,
    receipt_currency text NOT NULL,
    claim_amount numeric NOT NULL,
    claim_currency text NOT NULL,
    rate numeric,
    rate_date date,
    has_receipt boolean NOT NULL,
    billable boolean NOT NULL,
    taxable boolean NOT NULL,
    input_tax numeric,
    state text NOT NULL,
    approved_by text DEFAULT ''::text NOT NULL,
    approved_at timestamp with time zone,
    mapping text NOT NULL,
    person_entity text,
    project text DEFAULT ''::text NOT NULL,
    task text DEFAULT ''::text NOT NULL,
    entity text,
    engagement text,
    contract_version integer,
    project_amount numeric,
    project_currency text,
    project_rate numeric,
    project_rate_date date,
    book_amount numeric,
    book_currency text,
    book_rate numeric,
    book_rate_date date,
    treatment text,
    markup numeric,
    product text DEFAULT ''::text NOT NULL,
    problem text DEFAULT ''::text NOT NULL,
    quote text DEFAULT ''::text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT expense_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'submitted'::text, 'approved'::text, 'rejected'::text, 'deleted'::text]))),
    CONSTRAINT expense_treatment_check CHECK ((treatment = ANY (ARRAY['recharge'::text, 'disbursement'::text, 'non_billable'::text])))
);


--
-- Name: expense_version; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.expense_version (
    connection text NOT NULL,
    source_id text NOT NULL,
    version text NOT NULL,
    body jsonb NOT NULL,
    seen_at timestamp with time zone NOT NULL
);


--
-- Name: firm_version; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.firm_version (
    version integer NOT NULL,
    fingerprint text NOT NULL,
    content jsonb NOT NULL,
    applied_by text NOT NULL,
    applied_at timestamp with time zone NOT NULL
);


--
-- Name: firm_version_version_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.firm_version ALTER COLUMN version ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.firm_version_version_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: hold; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.hold (
    id bigint NOT NULL,
    flow text NOT NULL,
    subject text NOT NULL,
    run_id text NOT NULL,
    entity text,
    engagement text,
    title text NOT NULL,
    code text NOT NULL,
    cause text NOT NULL,
    facts jsonb NOT NULL,
    quote text DEFAULT ''::text NOT NULL,
    amount_minor numeric DEFAULT 0 NOT NULL,
    currency text DEFAULT ''::text NOT NULL,
    owner text NOT NULL,
    assignee text DEFAULT ''::text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    snoozed_until timestamp with time zone,
    state text DEFAULT 'open'::text NOT NULL,
    resolved_at timestamp with time zone,
    resolved_by text DEFAULT ''::text NOT NULL,
    resolution text DEFAULT ''::text NOT NULL,
    times integer DEFAULT 1 NOT NULL,
    acted_by text DEFAULT ''::text NOT NULL,
    acted_why text DEFAULT ''::text NOT NULL,
    acted_run text DEFAULT ''::text NOT NULL,
    first_opened_at timestamp with time zone NOT NULL,
    reopened integer DEFAULT 0 NOT NULL,
    wakes_on_change boolean DEFAULT false NOT NULL,
    team text DEFAULT ''::text NOT NULL,
    rule text DEFAULT ''::text NOT NULL,
    assigned_by text DEFAULT ''::text NOT NULL,
    escalations integer DEFAULT 0 NOT NULL,
    escalated_at timestamp with time zone,
    escalated_to text DEFAULT ''::text NOT NULL,
    CONSTRAINT hold_state_check CHECK ((state = ANY (ARRAY['open'::text, 'resolved'::text])))
);


--
-- Name: hold_event; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.hold_event (
    id bigint NOT NULL,
    hold_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    what text NOT NULL,
    kind text DEFAULT 'event'::text NOT NULL,
    CONSTRAINT hold_event_kind_check CHECK ((kind = ANY (ARRAY['event'::text, 'comment'::text, 'question'::text, 'answer'::text])))
);


--
-- Name: hold_event_id_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.hold_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.hold_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: hold_id_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.hold ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.hold_id_seq
    START WITH 20401
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: hold_question; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.hold_question (
    id bigint NOT NULL,
    hold_id bigint NOT NULL,
    question text NOT NULL,
    asked_of text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    answer text DEFAULT ''::text NOT NULL,
    choice text DEFAULT ''::text NOT NULL,
    answered_by text,
    answered_at timestamp with time zone,
    CONSTRAINT hold_question_asked_of_check CHECK ((asked_of <> ''::text)),
    CONSTRAINT hold_question_question_check CHECK ((question <> ''::text))
);


--
-- Name: hold_question_id_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.hold_question ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.hold_question_id_seq
    START WITH 301
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: idempotent_request; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.idempotent_request (
    actor text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    status integer,
    body jsonb
);


--
-- Name: intake_id_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.intake ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.intake_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: invoice; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.invoice (
    key text NOT NULL,
    engagement text NOT NULL,
    project text NOT NULL,
    entity text NOT NULL,
    customer text NOT NULL,
    currency text NOT NULL,
    through date NOT NULL,
    state text NOT NULL,
    number text DEFAULT ''::text NOT NULL,
    invoice_date date,
    due_date date,
    net numeric NOT NULL,
    tax numeric,
    total numeric,
    open_amount numeric,
    connection text,
    record_id text DEFAULT ''::text NOT NULL,
    proposed_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    corrects text,
    rebill text DEFAULT ''::text NOT NULL,
    disputed text DEFAULT ''::text NOT NULL,
    written_off numeric DEFAULT 0 NOT NULL,
    CONSTRAINT invoice_rebill_check CHECK ((rebill = ANY (ARRAY[''::text, 'ask'::text, 'yes'::text, 'no'::text]))),
    CONSTRAINT invoice_state_check CHECK ((state = ANY (ARRAY['proposed'::text, 'draft'::text, 'validated'::text, 'posted'::text, 'partly_paid'::text, 'paid'::text, 'cancelled'::text]))),
    CONSTRAINT invoice_written_off_check CHECK ((written_off >= (0)::numeric))
);


--
-- Name: invoice_line; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.invoice_line (
    invoice text NOT NULL,
    line text NOT NULL,
    "position" integer NOT NULL,
    task text NOT NULL,
    role text NOT NULL,
    description text NOT NULL,
    quantity numeric NOT NULL,
    unit_price numeric NOT NULL,
    amount numeric NOT NULL,
    rounding numeric NOT NULL,
    kind text DEFAULT 'time'::text NOT NULL,
    product text DEFAULT ''::text NOT NULL,
    CONSTRAINT invoice_line_kind_check CHECK ((kind = ANY (ARRAY['time'::text, 'expense'::text, 'fee'::text, 'usage'::text])))
);


--
-- Name: legal_entity; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.legal_entity (
    code text NOT NULL,
    name text NOT NULL,
    currency text NOT NULL,
    CONSTRAINT legal_entity_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text))
);


--
-- Name: memory; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.memory (
    sole boolean DEFAULT true NOT NULL,
    timeline text NOT NULL,
    gap_since timestamp with time zone,
    gap_until timestamp with time zone,
    CONSTRAINT memory_check CHECK ((gap_until >= gap_since)),
    CONSTRAINT memory_sole_check CHECK (sole)
);


--
-- Name: message_id_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.message ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.message_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: milestone; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.milestone (
    connection text NOT NULL,
    source_id text NOT NULL,
    version text NOT NULL,
    project_ref text NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    share numeric NOT NULL,
    since date,
    accepted_by text DEFAULT ''::text NOT NULL,
    mapping text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT milestone_check CHECK (((share = (0)::numeric) OR (since IS NOT NULL))),
    CONSTRAINT milestone_share_check CHECK (((share >= (0)::numeric) AND (share <= (1)::numeric))),
    CONSTRAINT milestone_state_check CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text, 'on_hold'::text, 'deleted'::text])))
);


--
-- Name: notice; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.notice (
    id bigint NOT NULL,
    rule text NOT NULL,
    channel text NOT NULL,
    cause text NOT NULL,
    thread text NOT NULL,
    reason text NOT NULL,
    count integer NOT NULL,
    amounts jsonb NOT NULL,
    said_at timestamp with time zone NOT NULL,
    began_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    handle text DEFAULT ''::text NOT NULL,
    CONSTRAINT notice_reason_check CHECK ((reason = ANY (ARRAY['unowned'::text, 'promise'::text, 'unknown'::text, 'silence'::text, 'digest'::text, 'crowd'::text])))
);


--
-- Name: notice_id_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.notice ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.notice_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: notice_message; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.notice_message (
    notice bigint NOT NULL,
    sequence integer NOT NULL,
    channel text NOT NULL,
    body jsonb NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    sending_at timestamp with time zone,
    settled_at timestamp with time zone,
    detail text DEFAULT ''::text NOT NULL,
    CONSTRAINT notice_message_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sending'::text, 'sent'::text, 'dropped'::text])))
);


--
-- Name: override; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.override (
    id bigint NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    field text NOT NULL,
    value jsonb NOT NULL,
    author text NOT NULL,
    reason text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    waiting boolean DEFAULT false NOT NULL,
    approved_by text,
    withdrawn_at timestamp with time zone,
    withdrawn_by text DEFAULT ''::text NOT NULL,
    withdrawn_why text DEFAULT ''::text NOT NULL,
    CONSTRAINT override_check CHECK ((approved_by <> author)),
    CONSTRAINT override_reason_check CHECK ((reason <> ''::text))
);


--
-- Name: override_id_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.override ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.override_id_seq
    START WITH 701
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: pace; Type: TABLE; Schema: tieout; Owner: -
--

CREATE UNLOGGED TABLE tieout.pace (
    connection text NOT NULL,
    shared jsonb DEFAULT '{}'::jsonb NOT NULL
);


--
-- Name: pace_hour; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.pace_hour (
    connection text NOT NULL,
    hour timestamp with time zone NOT NULL,
    accepted integer NOT NULL,
    refused integer NOT NULL,
    busy double precision DEFAULT 0 NOT NULL
);


--
-- Name: pace_process; Type: TABLE; Schema: tieout; Owner: -
--

CREATE UNLOGGED TABLE tieout.pace_process (
    connection text NOT NULL,
    process text NOT NULL,
    in_flight integer NOT NULL,
    waiting jsonb NOT NULL,
    seen_at timestamp with time zone NOT NULL
);


--
-- Name: payment; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.payment (
    invoice text NOT NULL,
    id text NOT NULL,
    paid_on date NOT NULL,
    amount numeric NOT NULL
);


--
-- Name: piece; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.piece (
    id bigint NOT NULL,
    engagement text NOT NULL,
    entity text NOT NULL,
    currency text NOT NULL,
    connection text NOT NULL,
    source_id text NOT NULL,
    kind text NOT NULL,
    sold text NOT NULL,
    task text NOT NULL,
    role text NOT NULL,
    work_date date NOT NULL,
    fate text NOT NULL,
    minutes integer NOT NULL,
    worth numeric NOT NULL,
    agreed numeric,
    rate numeric,
    why text DEFAULT ''::text NOT NULL,
    amount numeric DEFAULT 0 NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    decided_by text DEFAULT ''::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT piece_amount_check CHECK ((amount = (0)::numeric)),
    CONSTRAINT piece_check CHECK (((fate <> 'written_off'::text) OR ((decided_by <> ''::text) AND (reason <> ''::text)))),
    CONSTRAINT piece_fate_check CHECK ((fate = ANY (ARRAY['included'::text, 'drawn'::text, 'over_cap'::text, 'non_billable'::text, 'write_off'::text, 'written_off'::text, 'at_risk'::text, 'retained'::text]))),
    CONSTRAINT piece_kind_check CHECK ((kind = ANY (ARRAY['time'::text, 'expense'::text, 'fee'::text, 'usage'::text])))
);


--
-- Name: piece_id_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.piece ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.piece_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: plan; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.plan (
    id bigint NOT NULL,
    asked jsonb NOT NULL,
    what text NOT NULL,
    how text NOT NULL,
    again text DEFAULT ''::text NOT NULL,
    made_by text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    state text DEFAULT 'making'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    hash text DEFAULT ''::text NOT NULL,
    sums jsonb,
    needs_approval text DEFAULT ''::text NOT NULL,
    approved_by text,
    approved_at timestamp with time zone,
    confirmed_by text DEFAULT ''::text NOT NULL,
    confirmed_at timestamp with time zone,
    reach integer DEFAULT 0 NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT plan_check CHECK ((approved_by <> made_by)),
    CONSTRAINT plan_how_check CHECK ((how = ANY (ARRAY['as_it_is_now'::text, 'as_it_was'::text]))),
    CONSTRAINT plan_state_check CHECK ((state = ANY (ARRAY['making'::text, 'open'::text, 'checking'::text, 'running'::text, 'done'::text, 'stopped'::text, 'moved'::text, 'discarded'::text])))
);


--
-- Name: plan_id_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.plan ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.plan_id_seq
    START WITH 3301
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: plan_item; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.plan_item (
    plan bigint NOT NULL,
    "position" integer NOT NULL,
    run_id text NOT NULL,
    generation integer NOT NULL,
    was text NOT NULL,
    firm_version integer,
    as_of timestamp with time zone,
    content jsonb,
    checked boolean DEFAULT false NOT NULL,
    state text DEFAULT 'planned'::text NOT NULL,
    outcome text DEFAULT ''::text NOT NULL,
    ended_at timestamp with time zone,
    looks integer DEFAULT 0 NOT NULL,
    CONSTRAINT plan_item_state_check CHECK ((state = ANY (ARRAY['planned'::text, 'released'::text, 'done'::text, 'ignored'::text, 'held'::text, 'waiting'::text, 'stopped'::text])))
);


--
-- Name: project; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.project (
    key text NOT NULL,
    engagement text NOT NULL,
    entity text NOT NULL,
    customer text NOT NULL,
    currency text NOT NULL,
    department text NOT NULL,
    rate_card text NOT NULL,
    contract_version integer NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    tentative_until date,
    CONSTRAINT project_state_check CHECK ((state = ANY (ARRAY['tentative'::text, 'active'::text, 'on_hold'::text, 'archived'::text])))
);


--
-- Name: project_task; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.project_task (
    key text NOT NULL,
    project text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    billable boolean NOT NULL,
    sold text DEFAULT ''::text NOT NULL,
    increment integer DEFAULT 1 NOT NULL,
    direction text DEFAULT 'up'::text NOT NULL,
    CONSTRAINT project_task_direction_check CHECK ((direction = ANY (ARRAY['up'::text, 'nearest'::text]))),
    CONSTRAINT project_task_increment_check CHECK ((increment = ANY (ARRAY[1, 6, 15, 30, 60])))
);


--
-- Name: run; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.run (
    id text NOT NULL,
    flow text NOT NULL,
    subject text NOT NULL,
    version text NOT NULL,
    lane text NOT NULL,
    entity text,
    engagement text,
    state text NOT NULL,
    generation integer DEFAULT 1 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    not_before timestamp with time zone NOT NULL,
    handed_over boolean DEFAULT false NOT NULL,
    worker text DEFAULT ''::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    sequence bigint NOT NULL,
    plan bigint,
    firm_version integer,
    as_of timestamp with time zone,
    deaths integer DEFAULT 0 NOT NULL,
    backfill boolean DEFAULT false NOT NULL,
    CONSTRAINT run_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'retrying'::text, 'held'::text, 'waiting'::text, 'done'::text, 'ignored'::text])))
);


--
-- Name: run_sequence_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.run ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.run_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: schema_version; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.schema_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: shown_name; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.shown_name (
    connection text NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    folded text NOT NULL,
    full_name text NOT NULL,
    rival text DEFAULT ''::text NOT NULL
);


--
-- Name: step; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.step (
    run_id text NOT NULL,
    generation integer NOT NULL,
    "position" integer NOT NULL,
    title text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    outcome text NOT NULL,
    detail text DEFAULT ''::text NOT NULL
);


--
-- Name: time_entry; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.time_entry (
    connection text NOT NULL,
    source_id text NOT NULL,
    version text NOT NULL,
    project_ref text NOT NULL,
    task_ref text NOT NULL,
    project text DEFAULT ''::text NOT NULL,
    task text DEFAULT ''::text NOT NULL,
    person text NOT NULL,
    work_date date NOT NULL,
    minutes integer NOT NULL,
    billable_minutes integer NOT NULL,
    rate numeric,
    currency text NOT NULL,
    state text NOT NULL,
    approved_by text DEFAULT ''::text NOT NULL,
    approved_at timestamp with time zone,
    notes text DEFAULT ''::text NOT NULL,
    mapping text NOT NULL,
    entity text,
    engagement text,
    role text DEFAULT ''::text NOT NULL,
    agreed_rate numeric,
    rate_card text DEFAULT ''::text NOT NULL,
    rate_card_version integer,
    contract_version integer,
    problem text DEFAULT ''::text NOT NULL,
    quote text DEFAULT ''::text NOT NULL,
    delivered_minutes integer DEFAULT 0 NOT NULL,
    delivered_as text DEFAULT ''::text NOT NULL,
    delivered_id text DEFAULT ''::text NOT NULL,
    deliveries integer DEFAULT 0 NOT NULL,
    batch text DEFAULT ''::text NOT NULL,
    batch_minutes integer DEFAULT 0 NOT NULL,
    batch_as text DEFAULT ''::text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT time_entry_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'submitted'::text, 'approved'::text, 'rejected'::text, 'deleted'::text])))
);


--
-- Name: time_entry_version; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.time_entry_version (
    connection text NOT NULL,
    source_id text NOT NULL,
    version text NOT NULL,
    body jsonb NOT NULL,
    seen_at timestamp with time zone NOT NULL
);


--
-- Name: unbilled; Type: VIEW; Schema: tieout; Owner: -
--

CREATE VIEW tieout.unbilled AS
 SELECT connection,
    source_id,
    engagement,
    task,
    rate AS agreed_rate,
    sum(minutes) AS minutes,
    (array_agg(version ORDER BY piece.minutes DESC))[1] AS version,
    (array_agg(entity ORDER BY piece.minutes DESC))[1] AS entity,
    (array_agg(project ORDER BY piece.minutes DESC))[1] AS project,
    (array_agg(role ORDER BY piece.minutes DESC))[1] AS role,
    (array_agg(currency ORDER BY piece.minutes DESC))[1] AS currency,
    (array_agg(person ORDER BY piece.minutes DESC))[1] AS person,
    (array_agg(work_date ORDER BY piece.minutes DESC))[1] AS work_date,
    (array_agg(approved_by ORDER BY piece.minutes DESC))[1] AS approved_by,
    (array_agg(approved_at ORDER BY piece.minutes DESC))[1] AS approved_at,
    (array_agg(contract_version ORDER BY piece.minutes DESC))[1] AS contract_version,
    (array_agg(rate_card ORDER BY piece.minutes DESC))[1] AS rate_card,
    (array_agg(rate_card_version ORDER BY piece.minutes DESC))[1] AS rate_card_version,
    (array_agg(mapping ORDER BY piece.minutes DESC))[1] AS mapping,
    max(problem) AS problem
   FROM ( SELECT t.connection,
            t.source_id,
            t.engagement,
            t.task,
            t.agreed_rate AS rate,
            t.billable_minutes AS minutes,
            t.version,
            t.entity,
            t.project,
            t.role,
            t.currency,
            t.person,
            t.work_date,
            t.approved_by,
            t.approved_at,
            COALESCE(NULLIF(t.contract_version, 0), p.contract_version) AS contract_version,
            t.rate_card,
            t.rate_card_version,
            t.mapping,
            t.problem
           FROM ((tieout.time_entry t
             LEFT JOIN tieout.project_task k ON ((k.key = t.task)))
             LEFT JOIN tieout.project p ON ((p.key = t.project)))
          WHERE ((t.state = 'approved'::text) AND (t.billable_minutes <> 0) AND COALESCE(k.billable, true) AND (COALESCE(p.contract_version, 1) > 0))
        UNION ALL
         SELECT e.connection,
            e.source_id,
            i.engagement,
            e.task,
            e.agreed,
            (- e.minutes),
            e.entry_version,
            i.entity,
            i.project,
            l.role,
            i.currency,
            e.person,
            e.work_date,
            e.approved_by,
            e.approved_at,
            e.contract_version,
            e.rate_card,
            e.rate_card_version,
            e.mapping,
            ''::text
           FROM ((tieout.evidence e
             JOIN tieout.invoice_line l ON (((l.invoice = e.invoice) AND (l.line = e.line))))
             JOIN tieout.invoice i ON ((i.key = e.invoice)))
          WHERE ((i.state <> 'cancelled'::text) AND (e.kind = 'time'::text))
        UNION ALL
         SELECT c.connection,
            c.source_id,
            c.engagement,
            c.task,
            c.agreed,
            (- c.minutes),
            ''::text,
            c.entity,
            ''::text,
            c.role,
            c.currency,
            ''::text,
            c.work_date,
            ''::text,
            NULL::timestamp with time zone,
            NULL::integer,
            ''::text,
            NULL::integer,
            ''::text,
            ''::text
           FROM tieout.piece c
          WHERE (c.kind = 'time'::text)) piece
  GROUP BY connection, source_id, engagement, task, rate
 HAVING (sum(minutes) <> 0);


--
-- Name: value_row; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.value_row (
    id bigint NOT NULL,
    table_name text NOT NULL,
    key text NOT NULL,
    entity text DEFAULT '*'::text NOT NULL,
    value text NOT NULL,
    valid_from date NOT NULL,
    author text NOT NULL,
    waiting boolean DEFAULT false NOT NULL,
    approved_by text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT value_row_check CHECK ((approved_by <> author))
);


--
-- Name: value_row_id_seq; Type: SEQUENCE; Schema: tieout; Owner: -
--

ALTER TABLE tieout.value_row ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tieout.value_row_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: work_hour; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.work_hour (
    flow text NOT NULL,
    connection text NOT NULL,
    hour timestamp with time zone NOT NULL,
    calls bigint NOT NULL,
    lines bigint NOT NULL
);


--
-- Name: work_value; Type: VIEW; Schema: tieout; Owner: -
--

CREATE VIEW tieout.work_value AS
 SELECT piece.connection,
    piece.source_id,
    piece.engagement,
    piece.task,
    piece.rate,
    piece.entity,
    piece.currency,
    sum(piece.approved) AS approved_minutes,
    sum(piece.billed) AS billed_minutes,
    COALESCE(tieout.entry_amount((sum(piece.approved))::numeric, piece.rate, piece.currency), (0)::numeric) AS approved,
    sum(piece.amount) AS billed,
    COALESCE(tieout.entry_amount((((sum(piece.approved) - sum(piece.billed)) - sum(piece.aside)))::numeric, piece.rate, piece.currency), (0)::numeric) AS unbilled,
    sum(piece.pieces) AS pieces,
    bool_or(piece.unsigned) AS at_risk,
    sum(piece.worth) AS set_aside,
    sum(piece.aside) AS set_aside_minutes
   FROM ( SELECT t.connection,
            t.source_id,
            t.engagement,
            t.task,
            t.agreed_rate AS rate,
            t.entity,
            t.currency,
            t.billable_minutes AS approved,
            0 AS billed,
            (0)::numeric AS amount,
            0 AS pieces,
            (COALESCE(p.contract_version, 1) = 0) AS unsigned,
            0 AS aside,
            (0)::numeric AS worth
           FROM ((tieout.time_entry t
             LEFT JOIN tieout.project_task k ON ((k.key = t.task)))
             LEFT JOIN tieout.project p ON ((p.key = t.project)))
          WHERE ((t.state = 'approved'::text) AND (t.billable_minutes <> 0) AND COALESCE(k.billable, true))
        UNION ALL
         SELECT e.connection,
            e.source_id,
            i.engagement,
            e.task,
            e.agreed,
            i.entity,
            i.currency,
            0,
            e.minutes,
                CASE
                    WHEN (e.rate = e.agreed) THEN e.amount
                    ELSE e.worth
                END AS worth,
            1,
            false,
            0,
            0
           FROM (tieout.evidence e
             JOIN tieout.invoice i ON ((i.key = e.invoice)))
          WHERE ((i.state <> 'cancelled'::text) AND (e.kind = 'time'::text))
        UNION ALL
         SELECT c.connection,
            c.source_id,
            c.engagement,
            c.task,
            c.agreed,
            c.entity,
            c.currency,
            0,
            0,
            0,
            1,
            false,
            c.minutes,
            c.worth
           FROM tieout.piece c
          WHERE (c.kind = 'time'::text)) piece
  GROUP BY piece.connection, piece.source_id, piece.engagement, piece.task, piece.rate, piece.entity, piece.currency
UNION ALL
 SELECT other.connection,
    other.source_id,
    other.engagement,
    ''::text AS task,
    NULL::numeric AS rate,
    other.entity,
    other.currency,
    0 AS approved_minutes,
    0 AS billed_minutes,
    sum(other.worth) AS approved,
    sum(other.billed) AS billed,
    ((sum(other.worth) - sum(other.billed)) - sum(other.aside)) AS unbilled,
    sum(other.pieces) AS pieces,
    false AS at_risk,
    sum(other.aside) AS set_aside,
    0 AS set_aside_minutes
   FROM ( SELECT billable_event.connection,
            billable_event.source_id,
            billable_event.engagement,
            billable_event.entity,
            billable_event.currency,
            billable_event.worth,
            (0)::numeric AS billed,
            (0)::numeric AS aside,
            0 AS pieces
           FROM tieout.billable_event
        UNION ALL
         SELECT e.connection,
            e.source_id,
            i.engagement,
            i.entity,
            i.currency,
            0,
            e.worth,
            0,
            1
           FROM (tieout.evidence e
             JOIN tieout.invoice i ON ((i.key = e.invoice)))
          WHERE ((i.state <> 'cancelled'::text) AND (e.kind <> 'time'::text))
        UNION ALL
         SELECT c.connection,
            c.source_id,
            c.engagement,
            c.entity,
            c.currency,
            0,
            0,
            c.worth,
            0
           FROM tieout.piece c
          WHERE (c.kind <> 'time'::text)) other
  GROUP BY other.connection, other.source_id, other.engagement, other.entity, other.currency;


--
-- Name: worker; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.worker (
    id text NOT NULL,
    lock_key bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    gone_at timestamp with time zone,
    pool jsonb DEFAULT '{}'::jsonb NOT NULL,
    told_to_stop boolean DEFAULT false NOT NULL
);


--
-- Data for Name: application_versions; Type: TABLE DATA; Schema: dbos; Owner: -
--

INSERT INTO dbos.application_versions VALUES ('2118b616-196c-405d-8b5a-8a77d8d4e2fb', 'tieout', 1795727252601, 1795727252601, 'tieout');


--
-- Data for Name: dbos_migrations; Type: TABLE DATA; Schema: dbos; Owner: -
--

INSERT INTO dbos.dbos_migrations VALUES (125);


--
-- Data for Name: event_dispatch_kv; Type: TABLE DATA; Schema: dbos; Owner: -
--



--
-- Data for Name: notifications; Type: TABLE DATA; Schema: dbos; Owner: -
--



--
-- Data for Name: operation_outputs; Type: TABLE DATA; Schema: dbos; Owner: -
--



--
-- Data for Name: queues; Type: TABLE DATA; Schema: dbos; Owner: -
--

INSERT INTO dbos.queues VALUES ('06076214-9817-4944-aad9-f1a39d3c2419', 'runs', NULL, 2, NULL, NULL, true, true, 0.1, 1795727252686, 1795727252680, 'tieout', 1, NULL, NULL, NULL);


--
-- Data for Name: streams; Type: TABLE DATA; Schema: dbos; Owner: -
--



--
-- Data for Name: workflow_events; Type: TABLE DATA; Schema: dbos; Owner: -
--



--
-- Data for Name: workflow_events_history; Type: TABLE DATA; Schema: dbos; Owner: -
--



--
-- Data for Name: workflow_input; Type: TABLE DATA; Schema: dbos; Owner: -
--

INSERT INTO dbos.workflow_input VALUES ('opportunity_to_project:salesforce/opportunity/0:2026-10-01T09:00:00Z#0073efd24006b5aa~1', 'gASVcwAAAAAAAAB9lCiMBGFyZ3OUjFVvcHBvcnR1bml0eV90b19wcm9qZWN0OnNhbGVzZm9yY2Uvb3Bwb3J0dW5pdHkvMDoyMDI2LTEwLTAxVDA5OjAwOjAwWiMwMDczZWZkMjQwMDZiNWFhlEsBhpSMBmt3YXJnc5R9lHUu', 1795727252865);


--
-- Data for Name: workflow_output; Type: TABLE DATA; Schema: dbos; Owner: -
--



--
-- Data for Name: workflow_schedules; Type: TABLE DATA; Schema: dbos; Owner: -
--



--
-- Data for Name: workflow_status; Type: TABLE DATA; Schema: dbos; Owner: -
--

INSERT INTO dbos.workflow_status VALUES ('opportunity_to_project:salesforce/opportunity/0:2026-10-01T09:00:00Z#0073efd24006b5aa~1', 'PENDING', 'tieout_run', NULL, NULL, NULL, NULL, NULL, NULL, 'w-old', 1795727252865, 1795727253814, 'tieout', '', NULL, NULL, 1, 'runs', NULL, NULL, NULL, 1795727253814, NULL, 0, 'ENG-WFF1S42K', NULL, '6a465b0b-fcc3-4bed-b1d0-85151592e2d2', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'tieout', '5e81b18d-f104-434b-b32d-4816caa034e0');


--
-- Data for Name: access_session; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: access_token; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: approval; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: audit; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.audit OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-26 21:07:28.082455+00', 'mia', 'firm.apply', 'firm version 1', '{"fingerprint": "5a208cdac70eef13b78b1a1b5c93b0ce7b745fb8e4be67176b15525d415651ce"}', '', 'c7551a95279f2fbcd23d07b223bee0b4d0a4199b408c2303031418bf06791b8e', '29735fac7181266fb0c802c40bcef9f2bf17f88f2333d136f4f907c6656f3290');


--
-- Data for Name: bell; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: billable_event; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: channel; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: connection; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.connection VALUES ('salesforce', 'salesforce', 'crm', NULL, 'active', '', '{}', NULL);
INSERT INTO tieout.connection VALUES ('kantata', 'kantata', 'psa', NULL, 'active', '', '{}', NULL);
INSERT INTO tieout.connection VALUES ('erp-us', 'tryton', 'erp', 'US', 'active', '', '{}', NULL);
INSERT INTO tieout.connection VALUES ('erp-de', 'tryton', 'erp', 'DE', 'active', '', '{}', NULL);


--
-- Data for Name: contract_shown; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: crosswalk; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.crosswalk VALUES ('salesforce', 'engagement', '0', 'ENG-WFF1S42K', false, '2026-11-26 21:07:33.897073+00');
INSERT INTO tieout.crosswalk VALUES ('salesforce', 'customer', 'A0', 'CUS-R1EWN094', false, '2026-11-26 21:07:33.898472+00');
INSERT INTO tieout.crosswalk VALUES ('erp-us', 'customer', '2322a375', 'CUS-R1EWN094', false, '2026-11-26 21:07:33.908405+00');
INSERT INTO tieout.crosswalk VALUES ('erp-us', 'project', 'd6c955e1', 'PRJ-WFF1S42K', false, '2026-11-26 21:07:33.922628+00');
INSERT INTO tieout.crosswalk VALUES ('erp-us', 'task', 'a7fa5ff9', 'PRJ-WFF1S42K/01', false, '2026-11-26 21:07:33.922837+00');
INSERT INTO tieout.crosswalk VALUES ('erp-us', 'task', 'efcd3d71', 'PRJ-WFF1S42K/02', false, '2026-11-26 21:07:33.923017+00');
INSERT INTO tieout.crosswalk VALUES ('erp-us', 'task', '193aa644', 'PRJ-WFF1S42K/03', false, '2026-11-26 21:07:33.923134+00');
INSERT INTO tieout.crosswalk VALUES ('erp-us', 'task', 'e201cd5f', 'PRJ-WFF1S42K/04', false, '2026-11-26 21:07:33.923319+00');
INSERT INTO tieout.crosswalk VALUES ('kantata', 'customer', 'efaffe21', 'CUS-R1EWN094', false, '2026-11-26 21:07:33.929787+00');


--
-- Data for Name: cursor; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.cursor VALUES ('salesforce', 'opportunity', '1', '2026-11-26 21:07:32.795116+00', false, true, '');


--
-- Data for Name: cursor_mark; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.cursor_mark VALUES ('salesforce', 'opportunity', '2026-11-26 21:07:32.795116+00', '1');


--
-- Data for Name: decision; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: document; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.document VALUES ('engagement', 'ENG-WFF1S42K', 1, 1, 'US', 'ENG-WFF1S42K', '62e09fc5e5fb474bfcdfed1a4dabb648868d8157fe0e45c59f315514d9f7c145', '{"end": "2027-01-29", "key": "ENG-WFF1S42K", "name": "Deal 0", "lines": [], "owner": "margaret.osei@kestrel.example", "stage": "won", "start": "2026-10-05", "amount": "98000", "bill_to": null, "package": "DATA-FOUNDATION", "currency": "USD", "customer": {"key": "CUS-R1EWN094", "name": "Client 0 Inc.", "email": "", "parent": null, "tax_id": {"code": "12-0000000", "type": "us_ein"}, "address": {"city": "Boston", "street": "1 Main Street", "country": "US", "postal_code": "02101"}, "aliases": [], "contacts": [], "source_id": "A0", "payment_terms": "Net 30"}, "practice": "Data & AI", "ancestors": [], "booked_at": null, "po_number": "", "source_id": "0", "close_date": null, "extensions": {}, "stage_name": "Closed Won", "po_required": false, "legal_entity": "US", "payment_terms": "Net 30", "project_manager": "david.lindqvist@kestrel.example", "signed_payment_terms": ""}', '{}', '2026-11-26 21:07:33.878804+00');
INSERT INTO tieout.document VALUES ('contract', 'ENG-WFF1S42K', 1, 1, 'US', 'ENG-WFF1S42K', 'fabfc326e937c588f7169253de7f3eb801ee771763aed54a5253d319d395099f', '{"key": "ENG-WFF1S42K", "customer": "CUS-R1EWN094", "versions": [{"caps": [], "sold": [{"id": "ENG-WFF1S42K/01", "end": "2027-01-29", "hours": {}, "start": "2026-10-05", "terms": {"kind": "time", "direction": "up", "increment": 1}, "amount": "98000", "region": "", "package": "DATA-FOUNDATION", "description": "Data Foundation", "package_version": 1}], "lines": [], "order": "", "amount": "98000", "version": 1, "currency": "USD", "expenses": {}, "rate_card": "US 2026", "payment_terms": "Net 30", "effective_from": "2026-10-05"}], "engagement": "ENG-WFF1S42K", "legal_entity": "US"}', '{}', '2026-11-26 21:07:33.887469+00');
INSERT INTO tieout.document VALUES ('project', 'PRJ-WFF1S42K', 1, 1, 'US', 'ENG-WFF1S42K', '60da451f23ca0cb801891a5fb001a94e317f3eb810ead09c45e157dbfacc1c92', '{"end": "2027-01-29", "key": "PRJ-WFF1S42K", "name": "Deal 0", "start": "2026-10-05", "state": "active", "tasks": [{"key": "PRJ-WFF1S42K/01", "name": "Discovery", "open": true, "rate": "340.00", "role": "Principal", "sold": "ENG-WFF1S42K/01", "hours": "40", "billable": true, "direction": "up", "increment": 1}, {"key": "PRJ-WFF1S42K/02", "name": "Data model", "open": true, "rate": "245.00", "role": "Senior Consultant", "sold": "ENG-WFF1S42K/01", "hours": "120", "billable": true, "direction": "up", "increment": 1}, {"key": "PRJ-WFF1S42K/03", "name": "Pipelines", "open": true, "rate": "210.00", "role": "Data Engineer", "sold": "ENG-WFF1S42K/01", "hours": "200", "billable": true, "direction": "up", "increment": 1}, {"key": "PRJ-WFF1S42K/04", "name": "Reporting", "open": true, "rate": "175.00", "role": "Consultant", "sold": "ENG-WFF1S42K/01", "hours": "120", "billable": true, "direction": "up", "increment": 1}], "budget": "98000", "package": "DATA-FOUNDATION", "currency": "USD", "customer": "CUS-R1EWN094", "po_number": "", "rate_card": "US 2026", "tax_class": "Sales tax 8%", "department": "410", "engagement": "ENG-WFF1S42K", "legal_entity": "US", "project_manager": "david.lindqvist@kestrel.example", "tentative_until": null, "contract_version": 1}', '{}', '2026-11-26 21:07:33.890672+00');
INSERT INTO tieout.document VALUES ('customer', 'CUS-R1EWN094', 1, 1, 'US', NULL, 'd963a893fe78661595805010b4e5af8dcb3f18d3f156abfdf15a7ef75341de98', '{"key": "CUS-R1EWN094", "name": "Client 0 Inc.", "email": "", "parent": null, "tax_id": {"code": "12-0000000", "type": "us_ein"}, "address": {"city": "Boston", "street": "1 Main Street", "country": "US", "postal_code": "02101"}, "aliases": [], "contacts": [], "source_id": "A0", "payment_terms": "Net 30"}', '{}', '2026-11-26 21:07:33.899313+00');


--
-- Data for Name: effect; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.effect VALUES ('cd4c5af0fd1b3e8a3dffd70aa5f4831a6716f446812d9a8cd77133e7c1ff9d05', 'erp-us', 'customer.create', 'C', 'CUS-R1EWN094', '1', 'US', 'ENG-WFF1S42K', 'opportunity_to_project:salesforce/opportunity/0:2026-10-01T09:00:00Z#0073efd24006b5aa', '\x7b227375626a656374223a20224355532d523145574e303934222c20227461736b73223a205b5d7d', 'done', 1, '2026-11-26 21:07:33.904868+00', '2026-11-26 21:07:33.904868+00', '2026-11-26 21:07:33.908009+00', NULL, '{"id": "2322a375", "parts": {}, "answer": {}, "others": []}', '', NULL);
INSERT INTO tieout.effect VALUES ('a3cdb932da2a9b9c12afcc89c3eff1184f5e601740c1dd9ecc85be36aa44b76f', 'salesforce', 'account.update', 'B', 'A0', '000001#e48879c729f09c0f', 'US', 'ENG-WFF1S42K', 'opportunity_to_project:salesforce/opportunity/0:2026-10-01T09:00:00Z#0073efd24006b5aa', '\x7b227375626a656374223a20224130222c20227461736b73223a205b5d7d', 'done', 1, '2026-11-26 21:07:33.912272+00', '2026-11-26 21:07:33.912272+00', '2026-11-26 21:07:33.91388+00', NULL, '{"id": "48f86fbc", "parts": {}, "answer": {}, "others": []}', '', NULL);
INSERT INTO tieout.effect VALUES ('aa11c139448e1aa6ca33efdc2f96d0e4705c946f6f60db200e19a3abba289ff2', 'erp-us', 'project.create', 'C', 'PRJ-WFF1S42K', '1', 'US', 'ENG-WFF1S42K', 'opportunity_to_project:salesforce/opportunity/0:2026-10-01T09:00:00Z#0073efd24006b5aa', '\x7b227375626a656374223a202250524a2d574646315334324b222c20227461736b73223a205b2250524a2d574646315334324b2f3031222c202250524a2d574646315334324b2f3032222c202250524a2d574646315334324b2f3033222c202250524a2d574646315334324b2f3034225d7d', 'done', 1, '2026-11-26 21:07:33.915817+00', '2026-11-26 21:07:33.915817+00', '2026-11-26 21:07:33.922318+00', NULL, '{"id": "d6c955e1", "parts": {"PRJ-WFF1S42K/01": "a7fa5ff9", "PRJ-WFF1S42K/02": "efcd3d71", "PRJ-WFF1S42K/03": "193aa644", "PRJ-WFF1S42K/04": "e201cd5f"}, "answer": {}, "others": []}', '', NULL);
INSERT INTO tieout.effect VALUES ('5102de9f221f062460e9c57b48afcd2e0d4fcb758134ec9a93e84775551eb3ae', 'kantata', 'client.create', 'C', 'CUS-R1EWN094', '1', 'US', 'ENG-WFF1S42K', 'opportunity_to_project:salesforce/opportunity/0:2026-10-01T09:00:00Z#0073efd24006b5aa', '\x7b227375626a656374223a20224355532d523145574e303934222c20227461736b73223a205b5d7d', 'done', 1, '2026-11-26 21:07:33.927667+00', '2026-11-26 21:07:33.927667+00', '2026-11-26 21:07:33.92944+00', NULL, '{"id": "efaffe21", "parts": {}, "answer": {}, "others": []}', '', NULL);
INSERT INTO tieout.effect VALUES ('bf0b3032a06b6157a7fbb76ffa0ca97a2e7bc1396239d8699353b4008e532b4a', 'kantata', 'project.create', 'C', 'PRJ-WFF1S42K', '1', 'US', 'ENG-WFF1S42K', 'opportunity_to_project:salesforce/opportunity/0:2026-10-01T09:00:00Z#0073efd24006b5aa', '\x7b227375626a656374223a202250524a2d574646315334324b222c20227461736b73223a205b2250524a2d574646315334324b2f3031222c202250524a2d574646315334324b2f3032222c202250524a2d574646315334324b2f3033222c202250524a2d574646315334324b2f3034225d7d', 'sent', 1, '2026-11-26 21:07:33.935461+00', '2026-11-26 21:07:33.935461+00', NULL, NULL, NULL, '', NULL);


--
-- Data for Name: evidence; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: expense; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: expense_version; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: firm_version; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.firm_version OVERRIDING SYSTEM VALUE VALUES (1, '5a208cdac70eef13b78b1a1b5c93b0ce7b745fb8e4be67176b15525d415651ce', '{"name": "Kestrel Advisory Group", "holds": {"rules": [{"name": "faults and connections", "team": "integration", "field": null, "entity": null, "region": null, "problem": "connection.*", "assignee": "", "amount_above": {}}, {"name": "faults of Tieout", "team": "integration", "field": null, "entity": null, "region": null, "problem": "run.*", "assignee": "", "amount_above": {}}, {"name": "large reversals", "team": "partners", "field": null, "entity": null, "region": null, "problem": "deal.reopened", "assignee": "", "amount_above": {"EUR": "100000.00", "USD": "100000.00"}}, {"name": "deals", "team": "sales", "field": null, "entity": null, "region": null, "problem": "deal.*", "assignee": "", "amount_above": {}}, {"name": "purchase orders", "team": "sales", "field": null, "entity": null, "region": null, "problem": "billing.po_missing", "assignee": "", "amount_above": {}}, {"name": "packages of EMEA", "team": "delivery-de", "field": null, "entity": null, "region": "EMEA", "problem": "package.*", "assignee": "", "amount_above": {}}, {"name": "packages", "team": "delivery-us", "field": null, "entity": null, "region": null, "problem": "package.*", "assignee": "", "amount_above": {}}, {"name": "time of Germany", "team": "delivery-de", "field": null, "entity": "DE", "region": null, "problem": "time.*", "assignee": "", "amount_above": {}}, {"name": "time", "team": "delivery-us", "field": null, "entity": null, "region": null, "problem": "time.*", "assignee": "", "amount_above": {}}, {"name": "finance of Germany", "team": "finance-de", "field": null, "entity": "DE", "region": null, "problem": null, "assignee": "", "amount_above": {}}, {"name": "finance of EMEA", "team": "finance-de", "field": null, "entity": null, "region": "EMEA", "problem": null, "assignee": "", "amount_above": {}}, {"name": "finance", "team": "finance-us", "field": null, "entity": null, "region": null, "problem": null, "assignee": "", "amount_above": {}}], "teams": {"sales": {"lead": "margaret.osei@kestrel.example", "members": ["margaret.osei@kestrel.example", "klaus.brandt@kestrel.example"], "escalates_to": null}, "partners": {"lead": "margaret.osei@kestrel.example", "members": [], "escalates_to": null}, "finance-de": {"lead": "anna.fischer@kestrel.example", "members": ["anna.fischer@kestrel.example"], "escalates_to": "partners"}, "finance-us": {"lead": "carlos.mendes@kestrel.example", "members": ["carlos.mendes@kestrel.example"], "escalates_to": "partners"}, "delivery-de": {"lead": "ingrid.vogel@kestrel.example", "members": ["ingrid.vogel@kestrel.example"], "escalates_to": "partners"}, "delivery-us": {"lead": "david.lindqvist@kestrel.example", "members": ["david.lindqvist@kestrel.example"], "escalates_to": "partners"}, "integration": {"lead": "administrator@kestrel.example", "members": ["administrator@kestrel.example"], "escalates_to": "partners"}}, "regions": {"AMER": {"entities": ["US"], "countries": ["US", "CA", "MX"]}, "EMEA": {"entities": ["DE"], "countries": ["DE", "AT", "CH", "FR", "GB", "NL"]}}, "plan_above": 10, "snooze_days_most": 90, "reopen_within_days": 30, "overrides_four_eyes": "never", "escalate_every_hours": 24}, "owners": {"sales operations": "Margaret Osei and Klaus Brandt", "finance operations": "Anna Fischer and Carlos Mendes", "delivery operations": "David Lindqvist and Ingrid Vogel"}, "tables": [{"name": "exchange_rate", "rows": [], "purpose": "exchange rate", "four_eyes": true}, {"name": "expense_product", "rows": [{"key": "Travel", "value": "Expense, recharged", "entity": "*", "valid_from": "2000-01-01"}, {"key": "Lodging", "value": "Expense, recharged", "entity": "*", "valid_from": "2000-01-01"}, {"key": "Visa fees", "value": "Expense, passed on", "entity": "*", "valid_from": "2000-01-01"}], "purpose": "product in the ERP", "four_eyes": false}, {"name": "legal_entity", "rows": [{"key": "Kestrel Advisory Inc.", "value": "US", "entity": "*", "valid_from": "2000-01-01"}, {"key": "Kestrel Advisory GmbH", "value": "DE", "entity": "*", "valid_from": "2000-01-01"}, {"key": "North America", "value": "US", "entity": "*", "valid_from": "2000-01-01"}, {"key": "Europe", "value": "DE", "entity": "*", "valid_from": "2000-01-01"}], "purpose": "legal entity", "four_eyes": false}, {"name": "practice_department", "rows": [{"key": "Data & AI", "value": "410", "entity": "*", "valid_from": "2000-01-01"}, {"key": "Cloud Platforms", "value": "420", "entity": "*", "valid_from": "2000-01-01"}, {"key": "Finance Transformation", "value": "430", "entity": "*", "valid_from": "2000-01-01"}], "purpose": "department", "four_eyes": false}, {"name": "tax_class", "rows": [{"key": "Data & AI", "value": "Sales tax 8%", "entity": "US", "valid_from": "2000-01-01"}, {"key": "Cloud Platforms", "value": "Sales tax 8%", "entity": "US", "valid_from": "2000-01-01"}, {"key": "Finance Transformation", "value": "Sales tax 8%", "entity": "US", "valid_from": "2000-01-01"}, {"key": "People & Change", "value": "Sales tax 8%", "entity": "US", "valid_from": "2000-01-01"}, {"key": "Data & AI", "value": "USt 19%", "entity": "DE", "valid_from": "2000-01-01"}, {"key": "Cloud Platforms", "value": "USt 19%", "entity": "DE", "valid_from": "2000-01-01"}, {"key": "Finance Transformation", "value": "USt 19%", "entity": "DE", "valid_from": "2000-01-01"}, {"key": "People & Change", "value": "USt 19%", "entity": "DE", "valid_from": "2000-01-01"}], "purpose": "tax class", "four_eyes": false}], "billing": {"line_per": "task_and_rate", "rounding": "half_even", "days_after": 2}, "channels": {}, "entities": [{"code": "US", "name": "Kestrel Advisory Inc.", "currency": "USD"}, {"code": "DE", "name": "Kestrel Advisory GmbH", "currency": "EUR"}], "expenses": {"categories": {"Travel": {"markup": "0.05", "treatment": "recharge"}, "Lodging": {"markup": "0", "treatment": "recharge"}, "Visa fees": {"markup": "0", "treatment": "disbursement"}, "Team dinner": {"markup": "0", "treatment": "non_billable"}}, "receipt_above": {"EUR": "0.00", "USD": "25.00"}}, "packages": [{"key": "CHANGE-SPRINT", "name": "Change Sprint", "tasks": [{"name": "Stakeholder map", "role": "Principal", "hours": "24", "billable": true}, {"name": "Training", "role": "Consultant", "hours": "80", "billable": true}], "billing": "time_and_material", "product": "", "version": 1, "expenses": {}, "practice": "People & Change", "prepaid_product": ""}, {"key": "CLOSE-ACCELERATOR", "name": "Close Accelerator", "tasks": [{"name": "Process review", "role": "Partner", "hours": "16", "billable": true}, {"name": "Target design", "role": "Senior Consultant", "hours": "160", "billable": true}, {"name": "Automation", "role": "Data Engineer", "hours": "80", "billable": true}], "billing": "time_and_material", "product": "", "version": 1, "expenses": {}, "practice": "Finance Transformation", "prepaid_product": ""}, {"key": "CLOUD-MIGRATION", "name": "Cloud Migration", "tasks": [{"name": "Landing zone", "role": "Principal", "hours": "60", "billable": true}, {"name": "Migration waves", "role": "Consultant", "hours": "240", "billable": true}], "billing": "time_and_material", "product": "", "version": 1, "expenses": {}, "practice": "Cloud Platforms", "prepaid_product": ""}, {"key": "DATA-ADVISORY", "name": "Data Advisory", "tasks": [{"name": "Advice", "role": "Principal", "hours": "20", "billable": true}, {"name": "Analysis", "role": "Consultant", "hours": "60", "billable": true}], "billing": {"cap": "sold_amount", "kind": "time", "over": "hold", "direction": "up", "increment": 1, "notice_at": null}, "product": "", "version": 1, "expenses": {}, "practice": "Data & AI", "prepaid_product": ""}, {"key": "DATA-FOUNDATION", "name": "Data Foundation", "tasks": [{"name": "Discovery", "role": "Principal", "hours": "40", "billable": true}, {"name": "Data model", "role": "Senior Consultant", "hours": "120", "billable": true}, {"name": "Pipelines", "role": "Data Engineer", "hours": "200", "billable": true}, {"name": "Reporting", "role": "Consultant", "hours": "120", "billable": true}], "billing": "time_and_material", "product": "", "version": 1, "expenses": {}, "practice": "Data & AI", "prepaid_product": ""}, {"key": "DATA-RETAINER", "name": "Data Retainer", "tasks": [{"name": "On call", "role": "Consultant", "hours": "60", "billable": true}], "billing": {"kind": "retainer", "hours": "10", "overage": "bill", "multipliers": {}, "every_months": 1, "overage_rates": {"Consultant": "195.00"}, "roll_over_months": 0}, "product": "Fixed fee", "version": 1, "expenses": {}, "practice": "Data & AI", "prepaid_product": "Prepaid hours"}, {"key": "HEALTH-CHECK", "name": "Data Health Check", "tasks": [{"name": "Assessment", "role": "Principal", "hours": "24", "billable": true}, {"name": "Findings", "role": "Consultant", "hours": "40", "billable": true}], "billing": {"kind": "fixed", "retainage": "0.1", "instalments": [{"name": "Start", "share": "0.4", "milestone": "", "after_days": 0}, {"name": "Report", "share": "0.6", "milestone": "Report accepted", "after_days": null}], "released_with": ""}, "product": "Fixed fee", "version": 1, "expenses": {}, "practice": "Data & AI", "prepaid_product": ""}, {"key": "MANAGED-CLOUD", "name": "Managed Cloud", "tasks": [{"name": "Operations", "role": "Consultant", "hours": "30", "billable": false}], "billing": {"kind": "period", "sold_is": "in_all", "in_advance": true}, "product": "Managed service", "version": 1, "expenses": {}, "practice": "Cloud Platforms", "prepaid_product": ""}], "approvals": {"amount_above": {"EUR": "200000.00", "USD": "250000.00"}, "discount_above": null, "two_people_above": {}, "payment_days_above": 45, "replay_amount_above": {}, "replay_documents_above": null}, "time_zone": "UTC", "rate_cards": [{"key": "DE-2026", "name": "DE 2026", "entity": "DE", "currency": "EUR", "versions": [{"rates": {"Partner": "340.00", "Principal": "275.00", "Consultant": "140.00", "Data Engineer": "170.00", "Senior Consultant": "195.00"}, "version": 1, "valid_from": "2026-01-01"}]}, {"key": "US-2026", "name": "US 2026", "entity": "US", "currency": "USD", "versions": [{"rates": {"Partner": "420.00", "Principal": "340.00", "Consultant": "175.00", "Data Engineer": "210.00", "Senior Consultant": "245.00"}, "version": 1, "valid_from": "2026-01-01"}, {"rates": {"Partner": "435.00", "Principal": "350.00", "Consultant": "180.00", "Data Engineer": "217.25", "Senior Consultant": "252.50"}, "version": 2, "valid_from": "2026-10-15"}]}], "connections": {"erp-de": {"kind": "tryton", "role": "erp", "owner": "Anna Fischer <anna.fischer@kestrel.example>", "entity": "DE", "fields": {}, "limits": {"share": 0.8, "backlog": 500000, "per_day": null, "windows": [], "per_second": null, "concurrency": null}, "settings": {"entity": "DE", "company": "Kestrel Advisory GmbH"}, "shows_holds": null}, "erp-us": {"kind": "tryton", "role": "erp", "owner": "Carlos Mendes <carlos.mendes@kestrel.example>", "entity": "US", "fields": {}, "limits": {"share": 0.8, "backlog": 500000, "per_day": null, "windows": [], "per_second": null, "concurrency": null}, "settings": {"entity": "US", "company": "Kestrel Advisory Inc."}, "shows_holds": null}, "kantata": {"kind": "kantata", "role": "psa", "owner": "Delivery Operations", "entity": null, "fields": {"contract_version": "Contract Version"}, "limits": {"share": 0.8, "backlog": 500000, "per_day": null, "windows": [], "per_second": null, "concurrency": null}, "settings": {}, "shows_holds": true}, "salesforce": {"kind": "salesforce", "role": "crm", "owner": "Sales Operations", "entity": null, "fields": {"line.package": "Service_Package__c", "line.instance": "Package_Instance_Id__c"}, "limits": {"share": 0.8, "backlog": 500000, "per_day": null, "windows": [], "per_second": null, "concurrency": null}, "settings": {"change_orders": "Change_Order__c"}, "shows_holds": null}}, "early_start": {"days": 30, "in_erp": false, "stages": ["Verbal Commit"], "approval": ["delivery"]}, "notifications": [], "payment_terms": {"Net 14": 14, "Net 30": 30, "Net 60": 60, "Due on receipt": 0}}', 'mia', '2026-11-26 21:07:28.082455+00');


--
-- Data for Name: hold; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: hold_event; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: hold_question; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: idempotent_request; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: intake; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.intake OVERRIDING SYSTEM VALUE VALUES (1, 'salesforce', 'opportunity', '2026-11-26', 'USD', 1, 9800000);


--
-- Data for Name: invoice; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: invoice_line; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: legal_entity; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.legal_entity VALUES ('US', 'Kestrel Advisory Inc.', 'USD');
INSERT INTO tieout.legal_entity VALUES ('DE', 'Kestrel Advisory GmbH', 'EUR');


--
-- Data for Name: memory; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.memory VALUES (true, '00000001', NULL, NULL);


--
-- Data for Name: message; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.message OVERRIDING SYSTEM VALUE VALUES (1, 'salesforce', 'opportunity', '0', '2026-10-01T09:00:00Z#0073efd24006b5aa', '2026-11-26', 'USD', 9800000, 'sweep', '{"Id": "0", "Amount": 98000, "StageName": "Closed Won"}', false, NULL, '2026-11-26 21:07:32.767115+00', 'in_flight', '', 'opportunity_to_project:salesforce/opportunity/0:2026-10-01T09:00:00Z#0073efd24006b5aa', NULL, NULL);


--
-- Data for Name: milestone; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: notice; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: notice_message; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: override; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: pace; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: pace_hour; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: pace_process; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: payment; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: piece; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: plan; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: plan_item; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: project; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.project VALUES ('PRJ-WFF1S42K', 'ENG-WFF1S42K', 'US', 'CUS-R1EWN094', 'USD', '410', 'US 2026', 1, 'active', NULL);


--
-- Data for Name: project_task; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.project_task VALUES ('PRJ-WFF1S42K/01', 'PRJ-WFF1S42K', 'Discovery', 'Principal', true, 'ENG-WFF1S42K/01', 1, 'up');
INSERT INTO tieout.project_task VALUES ('PRJ-WFF1S42K/02', 'PRJ-WFF1S42K', 'Data model', 'Senior Consultant', true, 'ENG-WFF1S42K/01', 1, 'up');
INSERT INTO tieout.project_task VALUES ('PRJ-WFF1S42K/03', 'PRJ-WFF1S42K', 'Pipelines', 'Data Engineer', true, 'ENG-WFF1S42K/01', 1, 'up');
INSERT INTO tieout.project_task VALUES ('PRJ-WFF1S42K/04', 'PRJ-WFF1S42K', 'Reporting', 'Consultant', true, 'ENG-WFF1S42K/01', 1, 'up');


--
-- Data for Name: run; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.run OVERRIDING SYSTEM VALUE VALUES ('opportunity_to_project:salesforce/opportunity/0:2026-10-01T09:00:00Z#0073efd24006b5aa', 'opportunity_to_project', 'salesforce/opportunity/0', '2026-10-01T09:00:00Z#0073efd24006b5aa', 'ENG-WFF1S42K', 'US', 'ENG-WFF1S42K', 'running', 1, 1, '2026-11-26 21:07:32.799895+00', true, 'w-old', '', '2026-11-26 21:07:32.799895+00', '2026-11-26 21:07:33.851702+00', NULL, 1, NULL, 1, NULL, 0, true);


--
-- Data for Name: schema_version; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.schema_version VALUES ('0026');


--
-- Data for Name: shown_name; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: step; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: time_entry; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: time_entry_version; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: value_row; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (1, 'tax_class', 'People & Change', 'US', 'Sales tax 8%', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (2, 'tax_class', 'Data & AI', 'US', 'Sales tax 8%', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (3, 'legal_entity', 'Europe', '*', 'DE', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (4, 'practice_department', 'Data & AI', '*', '410', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (5, 'expense_product', 'Travel', '*', 'Expense, recharged', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (6, 'tax_class', 'People & Change', 'DE', 'USt 19%', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (7, 'tax_class', 'Data & AI', 'DE', 'USt 19%', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (8, 'expense_product', 'Visa fees', '*', 'Expense, passed on', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (9, 'legal_entity', 'Kestrel Advisory Inc.', '*', 'US', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (10, 'practice_department', 'Finance Transformation', '*', '430', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (11, 'expense_product', 'Lodging', '*', 'Expense, recharged', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (12, 'legal_entity', 'Kestrel Advisory GmbH', '*', 'DE', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (13, 'tax_class', 'Finance Transformation', 'US', 'Sales tax 8%', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (14, 'tax_class', 'Finance Transformation', 'DE', 'USt 19%', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (15, 'legal_entity', 'North America', '*', 'US', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (16, 'practice_department', 'Cloud Platforms', '*', '420', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (17, 'tax_class', 'Cloud Platforms', 'US', 'Sales tax 8%', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');
INSERT INTO tieout.value_row OVERRIDING SYSTEM VALUE VALUES (18, 'tax_class', 'Cloud Platforms', 'DE', 'USt 19%', '2000-01-01', 'mia', false, NULL, '2026-11-26 21:07:28.082455+00');


--
-- Data for Name: work_hour; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: worker; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.worker VALUES ('w-old', -2693007150721748662, '2026-11-26 21:07:32.117889+00', '2026-11-26 21:07:32.754691+00', NULL, '{"idle": 0, "most": 20, "used": 3, "waiting": 1}', false);


--
-- Name: access_token_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.access_token_id_seq', 1, false);


--
-- Name: approval_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.approval_id_seq', 501, false);


--
-- Name: audit_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.audit_id_seq', 1, true);


--
-- Name: delivery_batch; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.delivery_batch', 1, false);


--
-- Name: firm_version_version_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.firm_version_version_seq', 1, true);


--
-- Name: hold_event_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.hold_event_id_seq', 1, false);


--
-- Name: hold_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.hold_id_seq', 20401, false);


--
-- Name: hold_question_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.hold_question_id_seq', 301, false);


--
-- Name: intake_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.intake_id_seq', 1, true);


--
-- Name: message_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.message_id_seq', 1, true);


--
-- Name: notice_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.notice_id_seq', 1, false);


--
-- Name: override_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.override_id_seq', 701, false);


--
-- Name: piece_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.piece_id_seq', 1, false);


--
-- Name: plan_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.plan_id_seq', 3301, false);


--
-- Name: run_sequence_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.run_sequence_seq', 1, true);


--
-- Name: value_row_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.value_row_id_seq', 18, true);


--
-- Name: application_versions application_versions_pkey; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.application_versions
    ADD CONSTRAINT application_versions_pkey PRIMARY KEY (version_id);


--
-- Name: application_versions application_versions_version_name_key; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.application_versions
    ADD CONSTRAINT application_versions_version_name_key UNIQUE (version_name);


--
-- Name: dbos_migrations dbos_migrations_pkey; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.dbos_migrations
    ADD CONSTRAINT dbos_migrations_pkey PRIMARY KEY (version);


--
-- Name: event_dispatch_kv event_dispatch_kv_pkey; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.event_dispatch_kv
    ADD CONSTRAINT event_dispatch_kv_pkey PRIMARY KEY (service_name, workflow_fn_name, key);


--
-- Name: notifications notifications_pkey; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (message_uuid);


--
-- Name: operation_outputs operation_outputs_pkey; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.operation_outputs
    ADD CONSTRAINT operation_outputs_pkey PRIMARY KEY (workflow_uuid, function_id);


--
-- Name: queues queues_name_key; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.queues
    ADD CONSTRAINT queues_name_key UNIQUE (name);


--
-- Name: queues queues_pkey; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.queues
    ADD CONSTRAINT queues_pkey PRIMARY KEY (queue_id);


--
-- Name: streams streams_pkey; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.streams
    ADD CONSTRAINT streams_pkey PRIMARY KEY (workflow_uuid, key, "offset");


--
-- Name: workflow_events_history workflow_events_history_pkey; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.workflow_events_history
    ADD CONSTRAINT workflow_events_history_pkey PRIMARY KEY (workflow_uuid, function_id, key);


--
-- Name: workflow_events workflow_events_pkey; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.workflow_events
    ADD CONSTRAINT workflow_events_pkey PRIMARY KEY (workflow_uuid, key);


--
-- Name: workflow_input workflow_input_pkey; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.workflow_input
    ADD CONSTRAINT workflow_input_pkey PRIMARY KEY (workflow_uuid);


--
-- Name: workflow_output workflow_output_pkey; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.workflow_output
    ADD CONSTRAINT workflow_output_pkey PRIMARY KEY (workflow_uuid);


--
-- Name: workflow_schedules workflow_schedules_pkey; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.workflow_schedules
    ADD CONSTRAINT workflow_schedules_pkey PRIMARY KEY (schedule_id);


--
-- Name: workflow_schedules workflow_schedules_schedule_name_key; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.workflow_schedules
    ADD CONSTRAINT workflow_schedules_schedule_name_key UNIQUE (schedule_name);


--
-- Name: workflow_status workflow_status_pkey; Type: CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.workflow_status
    ADD CONSTRAINT workflow_status_pkey PRIMARY KEY (workflow_uuid);


--
-- Name: access_session access_session_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.access_session
    ADD CONSTRAINT access_session_pkey PRIMARY KEY (token_hash);


--
-- Name: access_token access_token_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.access_token
    ADD CONSTRAINT access_token_pkey PRIMARY KEY (id);


--
-- Name: access_token access_token_token_hash_key; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.access_token
    ADD CONSTRAINT access_token_token_hash_key UNIQUE (token_hash);


--
-- Name: approval approval_by_somebody_else; Type: CHECK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE tieout.approval
    ADD CONSTRAINT approval_by_somebody_else CHECK ((lower(decided_by) <> lower(requested_by))) NOT VALID;


--
-- Name: approval approval_flow_subject_title_terms_hash_key; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.approval
    ADD CONSTRAINT approval_flow_subject_title_terms_hash_key UNIQUE (flow, subject, title, terms_hash);


--
-- Name: approval approval_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.approval
    ADD CONSTRAINT approval_pkey PRIMARY KEY (id);


--
-- Name: audit audit_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);


--
-- Name: bell bell_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.bell
    ADD CONSTRAINT bell_pkey PRIMARY KEY (connection, id, content, kind, record_id);


--
-- Name: billable_event billable_event_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.billable_event
    ADD CONSTRAINT billable_event_pkey PRIMARY KEY (connection, source_id);


--
-- Name: channel channel_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.channel
    ADD CONSTRAINT channel_pkey PRIMARY KEY (name);


--
-- Name: connection connection_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.connection
    ADD CONSTRAINT connection_pkey PRIMARY KEY (name);


--
-- Name: contract_shown contract_shown_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.contract_shown
    ADD CONSTRAINT contract_shown_pkey PRIMARY KEY (engagement, connection);


--
-- Name: crosswalk crosswalk_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.crosswalk
    ADD CONSTRAINT crosswalk_pkey PRIMARY KEY (connection, kind, record_id);


--
-- Name: cursor_mark cursor_mark_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.cursor_mark
    ADD CONSTRAINT cursor_mark_pkey PRIMARY KEY (connection, kind, marked_at);


--
-- Name: cursor cursor_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.cursor
    ADD CONSTRAINT cursor_pkey PRIMARY KEY (connection, kind);


--
-- Name: decision decision_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.decision
    ADD CONSTRAINT decision_pkey PRIMARY KEY (subject, code);


--
-- Name: document document_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.document
    ADD CONSTRAINT document_pkey PRIMARY KEY (kind, key, version);


--
-- Name: effect effect_connection_operation_subject_version_key; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.effect
    ADD CONSTRAINT effect_connection_operation_subject_version_key UNIQUE (connection, operation, subject, version);


--
-- Name: effect effect_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.effect
    ADD CONSTRAINT effect_pkey PRIMARY KEY (key);


--
-- Name: evidence evidence_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.evidence
    ADD CONSTRAINT evidence_pkey PRIMARY KEY (invoice, line, connection, source_id);


--
-- Name: expense expense_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.expense
    ADD CONSTRAINT expense_pkey PRIMARY KEY (connection, source_id);


--
-- Name: expense_version expense_version_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.expense_version
    ADD CONSTRAINT expense_version_pkey PRIMARY KEY (connection, source_id, version);


--
-- Name: firm_version firm_version_fingerprint_key; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.firm_version
    ADD CONSTRAINT firm_version_fingerprint_key UNIQUE (fingerprint);


--
-- Name: firm_version firm_version_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.firm_version
    ADD CONSTRAINT firm_version_pkey PRIMARY KEY (version);


--
-- Name: hold_event hold_event_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.hold_event
    ADD CONSTRAINT hold_event_pkey PRIMARY KEY (id);


--
-- Name: hold hold_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (id);


--
-- Name: hold_question hold_question_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.hold_question
    ADD CONSTRAINT hold_question_pkey PRIMARY KEY (id);


--
-- Name: idempotent_request idempotent_request_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.idempotent_request
    ADD CONSTRAINT idempotent_request_pkey PRIMARY KEY (actor, key);


--
-- Name: intake intake_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.intake
    ADD CONSTRAINT intake_pkey PRIMARY KEY (id);


--
-- Name: invoice_line invoice_line_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.invoice_line
    ADD CONSTRAINT invoice_line_pkey PRIMARY KEY (invoice, line);


--
-- Name: invoice invoice_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.invoice
    ADD CONSTRAINT invoice_pkey PRIMARY KEY (key);


--
-- Name: legal_entity legal_entity_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.legal_entity
    ADD CONSTRAINT legal_entity_pkey PRIMARY KEY (code);


--
-- Name: memory memory_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.memory
    ADD CONSTRAINT memory_pkey PRIMARY KEY (sole);


--
-- Name: message message_connection_kind_record_id_version_key; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.message
    ADD CONSTRAINT message_connection_kind_record_id_version_key UNIQUE (connection, kind, record_id, version);


--
-- Name: message message_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (id);


--
-- Name: milestone milestone_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.milestone
    ADD CONSTRAINT milestone_pkey PRIMARY KEY (connection, source_id);


--
-- Name: notice_message notice_message_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.notice_message
    ADD CONSTRAINT notice_message_pkey PRIMARY KEY (notice, sequence);


--
-- Name: notice notice_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.notice
    ADD CONSTRAINT notice_pkey PRIMARY KEY (id);


--
-- Name: notice notice_thread_key; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.notice
    ADD CONSTRAINT notice_thread_key UNIQUE (thread);


--
-- Name: override override_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.override
    ADD CONSTRAINT override_pkey PRIMARY KEY (id);


--
-- Name: pace_hour pace_hour_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.pace_hour
    ADD CONSTRAINT pace_hour_pkey PRIMARY KEY (connection, hour);


--
-- Name: pace pace_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.pace
    ADD CONSTRAINT pace_pkey PRIMARY KEY (connection);


--
-- Name: pace_process pace_process_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.pace_process
    ADD CONSTRAINT pace_process_pkey PRIMARY KEY (connection, process);


--
-- Name: payment payment_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.payment
    ADD CONSTRAINT payment_pkey PRIMARY KEY (invoice, id);


--
-- Name: piece piece_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.piece
    ADD CONSTRAINT piece_pkey PRIMARY KEY (id);


--
-- Name: plan_item plan_item_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.plan_item
    ADD CONSTRAINT plan_item_pkey PRIMARY KEY (plan, "position");


--
-- Name: plan plan_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (id);


--
-- Name: project project_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.project
    ADD CONSTRAINT project_pkey PRIMARY KEY (key);


--
-- Name: project_task project_task_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.project_task
    ADD CONSTRAINT project_task_pkey PRIMARY KEY (key);


--
-- Name: run run_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (id);


--
-- Name: schema_version schema_version_pkc; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.schema_version
    ADD CONSTRAINT schema_version_pkc PRIMARY KEY (version_num);


--
-- Name: shown_name shown_name_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.shown_name
    ADD CONSTRAINT shown_name_pkey PRIMARY KEY (connection, kind, key);


--
-- Name: step step_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.step
    ADD CONSTRAINT step_pkey PRIMARY KEY (run_id, generation, "position");


--
-- Name: time_entry time_entry_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.time_entry
    ADD CONSTRAINT time_entry_pkey PRIMARY KEY (connection, source_id);


--
-- Name: time_entry_version time_entry_version_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.time_entry_version
    ADD CONSTRAINT time_entry_version_pkey PRIMARY KEY (connection, source_id, version);


--
-- Name: value_row value_row_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.value_row
    ADD CONSTRAINT value_row_pkey PRIMARY KEY (id);


--
-- Name: work_hour work_hour_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.work_hour
    ADD CONSTRAINT work_hour_pkey PRIMARY KEY (flow, connection, hour);


--
-- Name: worker worker_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.worker
    ADD CONSTRAINT worker_pkey PRIMARY KEY (id);


--
-- Name: idx_application_versions_owner_timestamp; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_application_versions_owner_timestamp ON dbos.application_versions USING btree (application_name, version_timestamp DESC);


--
-- Name: idx_application_versions_timestamp; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_application_versions_timestamp ON dbos.application_versions USING btree (version_timestamp DESC);


--
-- Name: idx_operation_outputs_completed_at_function_name_v2; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_operation_outputs_completed_at_function_name_v2 ON dbos.operation_outputs USING btree (completed_at_epoch_ms, function_name) INCLUDE (application_name);


--
-- Name: idx_operation_outputs_retention; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_operation_outputs_retention ON dbos.operation_outputs USING btree (retention_timestamp);


--
-- Name: idx_workflow_input_retention; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_input_retention ON dbos.workflow_input USING btree (retention_timestamp);


--
-- Name: idx_workflow_output_retention; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_output_retention ON dbos.workflow_output USING btree (retention_timestamp);


--
-- Name: idx_workflow_status_attributes; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_status_attributes ON dbos.workflow_status USING gin (attributes) WHERE (attributes IS NOT NULL);


--
-- Name: idx_workflow_status_completed_at; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_status_completed_at ON dbos.workflow_status USING btree (completed_at) WHERE (completed_at IS NOT NULL);


--
-- Name: idx_workflow_status_deadline; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_status_deadline ON dbos.workflow_status USING btree (workflow_deadline_epoch_ms) WHERE ((status = ANY (ARRAY['ENQUEUED'::text, 'PENDING'::text, 'DELAYED'::text])) AND (workflow_deadline_epoch_ms IS NOT NULL));


--
-- Name: idx_workflow_status_delayed; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_status_delayed ON dbos.workflow_status USING btree (delay_until_epoch_ms) WHERE (status = 'DELAYED'::text);


--
-- Name: idx_workflow_status_failed; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_status_failed ON dbos.workflow_status USING btree (status, created_at) WHERE (status = ANY (ARRAY['ERROR'::text, 'CANCELLED'::text, 'MAX_RECOVERY_ATTEMPTS_EXCEEDED'::text]));


--
-- Name: idx_workflow_status_forked_from; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_status_forked_from ON dbos.workflow_status USING btree (forked_from) WHERE (forked_from IS NOT NULL);


--
-- Name: idx_workflow_status_in_flight_v2; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_status_in_flight_v2 ON dbos.workflow_status USING btree (queue_name, status, priority, created_at) INCLUDE (application_name) WHERE (status = ANY (ARRAY['ENQUEUED'::text, 'PENDING'::text]));


--
-- Name: idx_workflow_status_parent_workflow_id; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_status_parent_workflow_id ON dbos.workflow_status USING btree (parent_workflow_id) WHERE (parent_workflow_id IS NOT NULL);


--
-- Name: idx_workflow_status_partition_dequeue_v3; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_status_partition_dequeue_v3 ON dbos.workflow_status USING btree (queue_name, status, queue_partition_key, priority, created_at, workflow_uuid) INCLUDE (application_name) WHERE ((status = ANY (ARRAY['ENQUEUED'::text, 'PENDING'::text])) AND (queue_partition_key IS NOT NULL));


--
-- Name: idx_workflow_status_pending; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_status_pending ON dbos.workflow_status USING btree (created_at) WHERE (status = 'PENDING'::text);


--
-- Name: idx_workflow_status_rate_limited; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_status_rate_limited ON dbos.workflow_status USING btree (queue_name, started_at_epoch_ms) WHERE (rate_limited = true);


--
-- Name: idx_workflow_status_schedule_name; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_status_schedule_name ON dbos.workflow_status USING btree (schedule_name) WHERE (schedule_name IS NOT NULL);


--
-- Name: idx_workflow_status_started_at; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_status_started_at ON dbos.workflow_status USING btree (started_at_epoch_ms) WHERE (started_at_epoch_ms IS NOT NULL);


--
-- Name: idx_workflow_topic; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX idx_workflow_topic ON dbos.notifications USING btree (destination_uuid, topic);


--
-- Name: uq_application_versions_owner_version; Type: INDEX; Schema: dbos; Owner: -
--

CREATE UNIQUE INDEX uq_application_versions_owner_version ON dbos.application_versions USING btree (application_name, version_name) WHERE (application_name IS NOT NULL);


--
-- Name: uq_application_versions_unclaimed_version; Type: INDEX; Schema: dbos; Owner: -
--

CREATE UNIQUE INDEX uq_application_versions_unclaimed_version ON dbos.application_versions USING btree (version_name) WHERE (application_name IS NULL);


--
-- Name: uq_workflow_status_dedup_id; Type: INDEX; Schema: dbos; Owner: -
--

CREATE UNIQUE INDEX uq_workflow_status_dedup_id ON dbos.workflow_status USING btree (queue_name, deduplication_id) WHERE (deduplication_id IS NOT NULL);


--
-- Name: workflow_status_created_at_index; Type: INDEX; Schema: dbos; Owner: -
--

CREATE INDEX workflow_status_created_at_index ON dbos.workflow_status USING btree (created_at);


--
-- Name: access_session_by_token; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX access_session_by_token ON tieout.access_session USING btree (access_token);


--
-- Name: approval_by_engagement; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX approval_by_engagement ON tieout.approval USING btree (engagement);


--
-- Name: audit_by_object; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX audit_by_object ON tieout.audit USING btree (object, id);


--
-- Name: bell_waiting; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX bell_waiting ON tieout.bell USING btree (rung_at) WHERE (answered_at IS NULL);


--
-- Name: billable_event_engagement; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX billable_event_engagement ON tieout.billable_event USING btree (engagement);


--
-- Name: contract_with_fees; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX contract_with_fees ON tieout.document USING btree (engagement) WHERE ((kind = 'contract'::text) AND (body @? '$."versions"[*]."sold"[*]."terms"."kind"?(@ != "time")'::jsonpath));


--
-- Name: crosswalk_by_key; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX crosswalk_by_key ON tieout.crosswalk USING btree (key);


--
-- Name: crosswalk_by_record; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX crosswalk_by_record ON tieout.crosswalk USING btree (record_id);


--
-- Name: crosswalk_one_record; Type: INDEX; Schema: tieout; Owner: -
--

CREATE UNIQUE INDEX crosswalk_one_record ON tieout.crosswalk USING btree (kind, key, connection) WHERE (NOT alias);


--
-- Name: document_by_engagement; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX document_by_engagement ON tieout.document USING btree (engagement);


--
-- Name: effect_by_engagement; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX effect_by_engagement ON tieout.effect USING btree (engagement, planned_at);


--
-- Name: effect_by_run; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX effect_by_run ON tieout.effect USING btree (run_id);


--
-- Name: effect_to_look_at; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX effect_to_look_at ON tieout.effect USING btree (look_again_at) WHERE (look_again_at IS NOT NULL);


--
-- Name: effect_unsettled; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX effect_unsettled ON tieout.effect USING btree (sent_at) WHERE (state = ANY (ARRAY['sent'::text, 'unknown'::text]));


--
-- Name: evidence_by_entry; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX evidence_by_entry ON tieout.evidence USING btree (connection, source_id);


--
-- Name: expense_by_engagement; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX expense_by_engagement ON tieout.expense USING btree (engagement, day);


--
-- Name: expense_with_problem; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX expense_with_problem ON tieout.expense USING btree (connection, problem) WHERE (problem <> ''::text);


--
-- Name: hold_by_engagement; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX hold_by_engagement ON tieout.hold USING btree (engagement);


--
-- Name: hold_once; Type: INDEX; Schema: tieout; Owner: -
--

CREATE UNIQUE INDEX hold_once ON tieout.hold USING btree (flow, subject, cause) WHERE (state = 'open'::text);


--
-- Name: hold_open; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX hold_open ON tieout.hold USING btree (due_at) WHERE (state = 'open'::text);


--
-- Name: hold_question_by_hold; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX hold_question_by_hold ON tieout.hold_question USING btree (hold_id);


--
-- Name: hold_reopened; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX hold_reopened ON tieout.hold USING btree (id) WHERE (reopened > 0);


--
-- Name: hold_resolved; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX hold_resolved ON tieout.hold USING btree (flow, subject, cause) WHERE (state = 'resolved'::text);


--
-- Name: idempotent_request_old; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX idempotent_request_old ON tieout.idempotent_request USING btree (begun_at);


--
-- Name: invoice_by_customer; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX invoice_by_customer ON tieout.invoice USING btree (customer);


--
-- Name: invoice_by_engagement; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX invoice_by_engagement ON tieout.invoice USING btree (engagement);


--
-- Name: invoice_by_number; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX invoice_by_number ON tieout.invoice USING btree (number) WHERE (number <> ''::text);


--
-- Name: invoice_by_record; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX invoice_by_record ON tieout.invoice USING btree (record_id) WHERE (record_id <> ''::text);


--
-- Name: invoice_correcting; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX invoice_correcting ON tieout.invoice USING btree (corrects) WHERE (corrects IS NOT NULL);


--
-- Name: invoice_number; Type: INDEX; Schema: tieout; Owner: -
--

CREATE UNIQUE INDEX invoice_number ON tieout.invoice USING btree (entity, number) WHERE (number <> ''::text);


--
-- Name: message_by_run; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX message_by_run ON tieout.message USING btree (run_id) WHERE (state = ANY (ARRAY['in_flight'::text, 'held'::text]));


--
-- Name: message_held; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX message_held ON tieout.message USING btree (connection, kind) WHERE (state = 'held'::text);


--
-- Name: message_waiting; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX message_waiting ON tieout.message USING btree (connection, kind, id) WHERE (state = 'received'::text);


--
-- Name: milestone_by_project; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX milestone_by_project ON tieout.milestone USING btree (connection, project_ref);


--
-- Name: notice_digest_once; Type: INDEX; Schema: tieout; Owner: -
--

CREATE UNIQUE INDEX notice_digest_once ON tieout.notice USING btree (rule, cause) WHERE (reason = 'digest'::text);


--
-- Name: notice_going_on; Type: INDEX; Schema: tieout; Owner: -
--

CREATE UNIQUE INDEX notice_going_on ON tieout.notice USING btree (rule, cause) WHERE (ended_at IS NULL);


--
-- Name: notice_message_recent; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX notice_message_recent ON tieout.notice_message USING btree (decided_at DESC);


--
-- Name: notice_message_to_send; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX notice_message_to_send ON tieout.notice_message USING btree (channel, decided_at) WHERE (state = ANY (ARRAY['waiting'::text, 'sending'::text]));


--
-- Name: override_in_force; Type: INDEX; Schema: tieout; Owner: -
--

CREATE UNIQUE INDEX override_in_force ON tieout.override USING btree (kind, key, field) WHERE ((withdrawn_at IS NULL) AND (NOT waiting));


--
-- Name: piece_engagement; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX piece_engagement ON tieout.piece USING btree (engagement);


--
-- Name: piece_event; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX piece_event ON tieout.piece USING btree (connection, source_id);


--
-- Name: plan_at_work; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX plan_at_work ON tieout.plan USING btree (id) WHERE (state = ANY (ARRAY['making'::text, 'checking'::text, 'running'::text]));


--
-- Name: plan_item_by_run; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX plan_item_by_run ON tieout.plan_item USING btree (run_id);


--
-- Name: project_tentative; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX project_tentative ON tieout.project USING btree (tentative_until) WHERE (state = 'tentative'::text);


--
-- Name: run_backfill; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX run_backfill ON tieout.run USING btree (not_before) WHERE (backfill AND (state = ANY (ARRAY['queued'::text, 'retrying'::text, 'running'::text])));


--
-- Name: run_by_engagement; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX run_by_engagement ON tieout.run USING btree (engagement, sequence);


--
-- Name: run_by_subject; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX run_by_subject ON tieout.run USING btree (flow, subject, sequence);


--
-- Name: run_due; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX run_due ON tieout.run USING btree (not_before) WHERE ((state = ANY (ARRAY['queued'::text, 'retrying'::text])) AND (NOT handed_over));


--
-- Name: run_filling; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX run_filling ON tieout.run USING btree (lane) WHERE (backfill AND (NOT handed_over));


--
-- Name: run_of_subject; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX run_of_subject ON tieout.run USING btree (subject);


--
-- Name: run_recent; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX run_recent ON tieout.run USING btree (sequence DESC);


--
-- Name: shown_name_of; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX shown_name_of ON tieout.shown_name USING btree (key);


--
-- Name: shown_name_taken; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX shown_name_taken ON tieout.shown_name USING btree (connection, kind, folded);


--
-- Name: time_entry_batch_of; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX time_entry_batch_of ON tieout.time_entry USING btree (entity, batch) WHERE (batch <> ''::text);


--
-- Name: time_entry_by_engagement; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX time_entry_by_engagement ON tieout.time_entry USING btree (engagement, work_date);


--
-- Name: time_entry_by_project; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX time_entry_by_project ON tieout.time_entry USING btree (project);


--
-- Name: time_entry_in_batch; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX time_entry_in_batch ON tieout.time_entry USING btree (batch) WHERE (batch <> ''::text);


--
-- Name: time_entry_to_correct; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX time_entry_to_correct ON tieout.time_entry USING btree (entity, work_date, source_id) WHERE ((batch = ''::text) AND (delivered_id <> ''::text) AND (problem <> 'target.refused'::text) AND ((
CASE
    WHEN ((state = 'approved'::text) AND (problem = ''::text)) THEN minutes
    ELSE 0
END <> delivered_minutes) OR (delivered_as <> tieout.entry_as(task, person, work_date))));


--
-- Name: time_entry_to_deliver; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX time_entry_to_deliver ON tieout.time_entry USING btree (entity, work_date, source_id) WHERE ((batch = ''::text) AND (delivered_id = ''::text) AND (
CASE
    WHEN ((state = 'approved'::text) AND (problem = ''::text)) THEN minutes
    ELSE 0
END > 0));


--
-- Name: time_entry_with_problem; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX time_entry_with_problem ON tieout.time_entry USING btree (connection, problem) WHERE (problem <> ''::text);


--
-- Name: value_row_by_key; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX value_row_by_key ON tieout.value_row USING btree (table_name, key);


--
-- Name: notifications dbos_notifications_trigger; Type: TRIGGER; Schema: dbos; Owner: -
--

CREATE TRIGGER dbos_notifications_trigger AFTER INSERT ON dbos.notifications FOR EACH ROW EXECUTE FUNCTION dbos.notifications_function();


--
-- Name: approval approval_of_another; Type: TRIGGER; Schema: tieout; Owner: -
--

CREATE TRIGGER approval_of_another BEFORE UPDATE OF state ON tieout.approval FOR EACH ROW WHEN ((new.state = 'approved'::text)) EXECUTE FUNCTION tieout.approval_of_another();


--
-- Name: notifications notifications_destination_uuid_fkey; Type: FK CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.notifications
    ADD CONSTRAINT notifications_destination_uuid_fkey FOREIGN KEY (destination_uuid) REFERENCES dbos.workflow_status(workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE;


--
-- Name: streams streams_workflow_uuid_fkey; Type: FK CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.streams
    ADD CONSTRAINT streams_workflow_uuid_fkey FOREIGN KEY (workflow_uuid) REFERENCES dbos.workflow_status(workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE;


--
-- Name: workflow_events_history workflow_events_history_workflow_uuid_fkey; Type: FK CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.workflow_events_history
    ADD CONSTRAINT workflow_events_history_workflow_uuid_fkey FOREIGN KEY (workflow_uuid) REFERENCES dbos.workflow_status(workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE;


--
-- Name: workflow_events workflow_events_workflow_uuid_fkey; Type: FK CONSTRAINT; Schema: dbos; Owner: -
--

ALTER TABLE ONLY dbos.workflow_events
    ADD CONSTRAINT workflow_events_workflow_uuid_fkey FOREIGN KEY (workflow_uuid) REFERENCES dbos.workflow_status(workflow_uuid) ON UPDATE CASCADE ON DELETE CASCADE;


--
-- Name: access_session access_session_access_token_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.access_session
    ADD CONSTRAINT access_session_access_token_fkey FOREIGN KEY (access_token) REFERENCES tieout.access_token(id);


--
-- Name: bell bell_connection_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.bell
    ADD CONSTRAINT bell_connection_fkey FOREIGN KEY (connection) REFERENCES tieout.connection(name);


--
-- Name: billable_event billable_event_entity_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.billable_event
    ADD CONSTRAINT billable_event_entity_fkey FOREIGN KEY (entity) REFERENCES tieout.legal_entity(code);


--
-- Name: connection connection_entity_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.connection
    ADD CONSTRAINT connection_entity_fkey FOREIGN KEY (entity) REFERENCES tieout.legal_entity(code);


--
-- Name: contract_shown contract_shown_connection_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.contract_shown
    ADD CONSTRAINT contract_shown_connection_fkey FOREIGN KEY (connection) REFERENCES tieout.connection(name);


--
-- Name: crosswalk crosswalk_connection_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.crosswalk
    ADD CONSTRAINT crosswalk_connection_fkey FOREIGN KEY (connection) REFERENCES tieout.connection(name);


--
-- Name: cursor cursor_connection_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.cursor
    ADD CONSTRAINT cursor_connection_fkey FOREIGN KEY (connection) REFERENCES tieout.connection(name);


--
-- Name: cursor_mark cursor_mark_connection_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.cursor_mark
    ADD CONSTRAINT cursor_mark_connection_fkey FOREIGN KEY (connection) REFERENCES tieout.connection(name);


--
-- Name: effect effect_connection_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.effect
    ADD CONSTRAINT effect_connection_fkey FOREIGN KEY (connection) REFERENCES tieout.connection(name);


--
-- Name: evidence evidence_invoice_line_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.evidence
    ADD CONSTRAINT evidence_invoice_line_fkey FOREIGN KEY (invoice, line) REFERENCES tieout.invoice_line(invoice, line);


--
-- Name: expense expense_connection_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.expense
    ADD CONSTRAINT expense_connection_fkey FOREIGN KEY (connection) REFERENCES tieout.connection(name);


--
-- Name: hold_event hold_event_hold_id_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.hold_event
    ADD CONSTRAINT hold_event_hold_id_fkey FOREIGN KEY (hold_id) REFERENCES tieout.hold(id);


--
-- Name: hold_question hold_question_hold_id_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.hold_question
    ADD CONSTRAINT hold_question_hold_id_fkey FOREIGN KEY (hold_id) REFERENCES tieout.hold(id);


--
-- Name: intake intake_connection_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.intake
    ADD CONSTRAINT intake_connection_fkey FOREIGN KEY (connection) REFERENCES tieout.connection(name);


--
-- Name: invoice invoice_corrects_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.invoice
    ADD CONSTRAINT invoice_corrects_fkey FOREIGN KEY (corrects) REFERENCES tieout.invoice(key);


--
-- Name: invoice invoice_entity_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.invoice
    ADD CONSTRAINT invoice_entity_fkey FOREIGN KEY (entity) REFERENCES tieout.legal_entity(code);


--
-- Name: invoice_line invoice_line_invoice_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.invoice_line
    ADD CONSTRAINT invoice_line_invoice_fkey FOREIGN KEY (invoice) REFERENCES tieout.invoice(key);


--
-- Name: message message_connection_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.message
    ADD CONSTRAINT message_connection_fkey FOREIGN KEY (connection) REFERENCES tieout.connection(name);


--
-- Name: milestone milestone_connection_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.milestone
    ADD CONSTRAINT milestone_connection_fkey FOREIGN KEY (connection) REFERENCES tieout.connection(name);


--
-- Name: notice_message notice_message_notice_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.notice_message
    ADD CONSTRAINT notice_message_notice_fkey FOREIGN KEY (notice) REFERENCES tieout.notice(id);


--
-- Name: payment payment_invoice_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.payment
    ADD CONSTRAINT payment_invoice_fkey FOREIGN KEY (invoice) REFERENCES tieout.invoice(key);


--
-- Name: piece piece_entity_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.piece
    ADD CONSTRAINT piece_entity_fkey FOREIGN KEY (entity) REFERENCES tieout.legal_entity(code);


--
-- Name: plan_item plan_item_plan_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.plan_item
    ADD CONSTRAINT plan_item_plan_fkey FOREIGN KEY (plan) REFERENCES tieout.plan(id);


--
-- Name: plan_item plan_item_run_id_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.plan_item
    ADD CONSTRAINT plan_item_run_id_fkey FOREIGN KEY (run_id) REFERENCES tieout.run(id);


--
-- Name: project project_entity_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.project
    ADD CONSTRAINT project_entity_fkey FOREIGN KEY (entity) REFERENCES tieout.legal_entity(code);


--
-- Name: project_task project_task_project_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.project_task
    ADD CONSTRAINT project_task_project_fkey FOREIGN KEY (project) REFERENCES tieout.project(key);


--
-- Name: run run_firm_version_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.run
    ADD CONSTRAINT run_firm_version_fkey FOREIGN KEY (firm_version) REFERENCES tieout.firm_version(version);


--
-- Name: run run_plan_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.run
    ADD CONSTRAINT run_plan_fkey FOREIGN KEY (plan) REFERENCES tieout.plan(id);


--
-- Name: shown_name shown_name_connection_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.shown_name
    ADD CONSTRAINT shown_name_connection_fkey FOREIGN KEY (connection) REFERENCES tieout.connection(name);


--
-- Name: step step_run_id_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.step
    ADD CONSTRAINT step_run_id_fkey FOREIGN KEY (run_id) REFERENCES tieout.run(id);


--
-- Name: time_entry time_entry_connection_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.time_entry
    ADD CONSTRAINT time_entry_connection_fkey FOREIGN KEY (connection) REFERENCES tieout.connection(name);


--
-- PostgreSQL database dump complete
--

\unrestrict cJm3b4sVo54VDAXdIowSwB0a6vtrv896B2X91rNJu1RIKDRbPfKA2bM6gxpMn9D

