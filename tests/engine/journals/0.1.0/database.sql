--
-- PostgreSQL database dump
--

\restrict 0YctWM3dmnmn6QXW2yAuRYIKRXX6pzejbqyExvgRoeZv54NYOYVpBtYndnfhfFS

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
-- Name: entry_amount(numeric, numeric, text); Type: FUNCTION; Schema: tieout; Owner: -
--

CREATE FUNCTION tieout.entry_amount(minutes numeric, rate numeric, currency text) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
  select round(rate * minutes / 60, minor_digits(currency))
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
    hash text NOT NULL
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
    again boolean DEFAULT false NOT NULL
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
    rate numeric NOT NULL,
    person text NOT NULL,
    task text NOT NULL,
    work_date date NOT NULL,
    approved_by text NOT NULL,
    approved_at timestamp with time zone,
    contract_version integer NOT NULL,
    rate_card text NOT NULL,
    rate_card_version integer NOT NULL,
    mapping text NOT NULL
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
    CONSTRAINT invoice_state_check CHECK ((state = ANY (ARRAY['proposed'::text, 'draft'::text, 'validated'::text, 'posted'::text, 'partly_paid'::text, 'paid'::text, 'cancelled'::text])))
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
    rounding numeric NOT NULL
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
-- Name: payment; Type: TABLE; Schema: tieout; Owner: -
--

CREATE TABLE tieout.payment (
    invoice text NOT NULL,
    id text NOT NULL,
    paid_on date NOT NULL,
    amount numeric NOT NULL
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
    billable boolean NOT NULL
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
            e.rate,
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
          WHERE (i.state <> 'cancelled'::text)) piece
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
-- Name: work_value; Type: VIEW; Schema: tieout; Owner: -
--

CREATE VIEW tieout.work_value AS
 SELECT connection,
    source_id,
    engagement,
    task,
    rate,
    entity,
    currency,
    sum(approved) AS approved_minutes,
    sum(billed) AS billed_minutes,
    COALESCE(tieout.entry_amount((sum(approved))::numeric, rate, currency), (0)::numeric) AS approved,
    sum(amount) AS billed,
    COALESCE(tieout.entry_amount(((sum(approved) - sum(billed)))::numeric, rate, currency), (0)::numeric) AS unbilled,
    sum(pieces) AS pieces,
    bool_or(unsigned) AS at_risk
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
            (COALESCE(p.contract_version, 1) = 0) AS unsigned
           FROM ((tieout.time_entry t
             LEFT JOIN tieout.project_task k ON ((k.key = t.task)))
             LEFT JOIN tieout.project p ON ((p.key = t.project)))
          WHERE ((t.state = 'approved'::text) AND (t.billable_minutes <> 0) AND COALESCE(k.billable, true))
        UNION ALL
         SELECT e.connection,
            e.source_id,
            i.engagement,
            e.task,
            e.rate,
            i.entity,
            i.currency,
            0,
            e.minutes,
            e.amount,
            1,
            false
           FROM (tieout.evidence e
             JOIN tieout.invoice i ON ((i.key = e.invoice)))
          WHERE (i.state <> 'cancelled'::text)) piece
  GROUP BY connection, source_id, engagement, task, rate, entity, currency;


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

INSERT INTO dbos.application_versions VALUES ('06a5550a-24bc-4ed4-b21d-783cd1817319', 'tieout', 1795693157651, 1795693157651, 'tieout');


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

INSERT INTO dbos.queues VALUES ('e60ca7e8-cd6f-4bb1-9568-9c4c2ffb0c98', 'runs', NULL, 8, NULL, NULL, true, true, 0.1, 1795693157673, 1795693157671, 'tieout', 1, NULL, NULL, NULL);


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

INSERT INTO dbos.workflow_input VALUES ('orders:half done:1~1', 'gASVMAAAAAAAAAB9lCiMBGFyZ3OUjBJvcmRlcnM6aGFsZiBkb25lOjGUSwGGlIwGa3dhcmdzlH2UdS4=', 1795693157690);


--
-- Data for Name: workflow_output; Type: TABLE DATA; Schema: dbos; Owner: -
--



--
-- Data for Name: workflow_schedules; Type: TABLE DATA; Schema: dbos; Owner: -
--



--
-- Data for Name: workflow_status; Type: TABLE DATA; Schema: dbos; Owner: -
--

INSERT INTO dbos.workflow_status VALUES ('orders:half done:1~1', 'PENDING', 'tieout_run', NULL, NULL, NULL, NULL, NULL, NULL, 'w-old', 1795693157690, 1795693158765, 'tieout', '', NULL, NULL, 1, 'runs', NULL, NULL, NULL, 1795693158765, NULL, 0, 'half done', NULL, 'cdb12f3c-b9de-4e7a-9869-ba14eef20050', NULL, 'py_pickle', NULL, false, false, NULL, 'null', NULL, NULL, false, 'tieout', '046c06db-0de9-4836-aff6-a90ffae9dba0');


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

INSERT INTO tieout.audit OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-26 11:39:15.782391+00', 'nobody', 'firm.apply', 'firm version 1', '{"fingerprint": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}', '', 'd0a2a12bdbc61dc4b7ddbc3dc124fa657ff95ac119d97938c9801b16e4f83bbc');


--
-- Data for Name: bell; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: channel; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: connection; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.connection VALUES ('target', 'target', 'erp', NULL, 'active', '', '{}', NULL);


--
-- Data for Name: crosswalk; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: cursor; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: cursor_mark; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: decision; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: document; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: effect; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.effect VALUES ('b182c829457efc2a7ecaeb5d0c5903bbb90a51012deb57df67ea709a0fcf4f2a', 'target', 'create.D', 'D', 'half done/first', '1', NULL, NULL, 'orders:half done:1', '\x7b227375626a656374223a202268616c6620646f6e652f6669727374227d', 'done', 1, '2026-11-26 11:39:18.783724+00', '2026-11-26 11:39:18.783724+00', '2026-11-26 11:39:18.786357+00', '2026-11-26 11:39:58.785713+00', '{"id": "half done/first", "parts": {}, "answer": {}, "others": []}', '', NULL);
INSERT INTO tieout.effect VALUES ('9776461ed9172687826a57aa0e4a544e3a1a7118799f51d1b3a0d0f9bcfc7a66', 'target', 'create.D', 'D', 'half done/second', '1', NULL, NULL, 'orders:half done:1', '\x7b227375626a656374223a202268616c6620646f6e652f7365636f6e64227d', 'sent', 1, '2026-11-26 11:39:18.78764+00', '2026-11-26 11:39:18.78764+00', NULL, NULL, NULL, '', NULL);


--
-- Data for Name: evidence; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: firm_version; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.firm_version OVERRIDING SYSTEM VALUE VALUES (1, '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', '{}', 'nobody', '2026-11-26 11:39:15.782391+00');


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



--
-- Data for Name: invoice; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: invoice_line; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: legal_entity; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: memory; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.memory VALUES (true, '00000001', NULL, NULL);


--
-- Data for Name: message; Type: TABLE DATA; Schema: tieout; Owner: -
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
-- Data for Name: payment; Type: TABLE DATA; Schema: tieout; Owner: -
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



--
-- Data for Name: project_task; Type: TABLE DATA; Schema: tieout; Owner: -
--



--
-- Data for Name: run; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.run OVERRIDING SYSTEM VALUE VALUES ('orders:half done:1', 'orders', 'half done', '1', 'half done', NULL, NULL, 'running', 1, 1, '2026-11-26 11:39:15.791385+00', true, 'w-old', '', '2026-11-26 11:39:15.791385+00', '2026-11-26 11:39:18.779504+00', NULL, 1, NULL, 1, NULL, 0);


--
-- Data for Name: schema_version; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.schema_version VALUES ('0012');


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



--
-- Data for Name: worker; Type: TABLE DATA; Schema: tieout; Owner: -
--

INSERT INTO tieout.worker VALUES ('w-old', -2693007150721748662, '2026-11-26 11:39:17.523289+00', '2026-11-26 11:39:17.693649+00', NULL, '{"idle": 0, "most": 20, "used": 3, "waiting": 0}', false);


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

SELECT pg_catalog.setval('tieout.intake_id_seq', 1, false);


--
-- Name: message_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.message_id_seq', 1, false);


--
-- Name: notice_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.notice_id_seq', 1, false);


--
-- Name: override_id_seq; Type: SEQUENCE SET; Schema: tieout; Owner: -
--

SELECT pg_catalog.setval('tieout.override_id_seq', 701, false);


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

SELECT pg_catalog.setval('tieout.value_row_id_seq', 1, false);


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
-- Name: payment payment_pkey; Type: CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.payment
    ADD CONSTRAINT payment_pkey PRIMARY KEY (invoice, id);


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
-- Name: bell_waiting; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX bell_waiting ON tieout.bell USING btree (rung_at) WHERE (answered_at IS NULL);


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

CREATE INDEX time_entry_with_problem ON tieout.time_entry USING btree (problem) WHERE (problem <> ''::text);


--
-- Name: value_row_by_key; Type: INDEX; Schema: tieout; Owner: -
--

CREATE INDEX value_row_by_key ON tieout.value_row USING btree (table_name, key);


--
-- Name: notifications dbos_notifications_trigger; Type: TRIGGER; Schema: dbos; Owner: -
--

CREATE TRIGGER dbos_notifications_trigger AFTER INSERT ON dbos.notifications FOR EACH ROW EXECUTE FUNCTION dbos.notifications_function();


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
-- Name: connection connection_entity_fkey; Type: FK CONSTRAINT; Schema: tieout; Owner: -
--

ALTER TABLE ONLY tieout.connection
    ADD CONSTRAINT connection_entity_fkey FOREIGN KEY (entity) REFERENCES tieout.legal_entity(code);


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

\unrestrict 0YctWM3dmnmn6QXW2yAuRYIKRXX6pzejbqyExvgRoeZv54NYOYVpBtYndnfhfFS

