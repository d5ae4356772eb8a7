"""The faults that test_planted_faults plants: for each data test what turns it red, for row_is_valid one per rule."""

ENTITIES = {
    "service_events": "event_id",
    "customers": "customer_id",
    "product_events": "event_id",
    "orders": "order_id",
    "tenant_events": "event_id",
    "transactions": "id",
}
METRIC_FAULTS = {
    "service_is_given": "service = null",
    "counts_are_nested": "error_count = status_count + 1",
    "latencies_are_ordered": "p50_latency_ms = p99_latency_ms + 1",
    "latencies_need_events": "latency_count = 0",
    "error_rate_is_a_share": "error_rate = 1.5",
}
MONTH_FAULT = "month = month + interval 1 day"
SPEND_FAULTS = {
    "counts_add_up": "credit_count = credit_count + 1",
    "sums_are_not_negative": "received = -1",
    "net_is_the_difference": "net_spent = net_spent + 0.01",
}

# Test → (table to change, rule → assignment). Each rule is broken in a row of its own where there are enough.
BROKEN_RULES: dict[str, tuple[str, dict[str, str]]] = {
    "service_events_row_is_valid": ("stg_landing__service_events", {
        "event_id_is_given": "event_id = null",
        "service_is_given": "service = 'WEB'",
        "event_type_is_given": "event_type = null",
        "event_at_is_in_range": "event_at = timestamp '1899-12-31'",
        "latency_ms_is_not_negative": "latency_ms = -1",
        "status_code_is_http": "status_code = 600",
    }),
    "customers_row_is_valid": ("stg_landing__customers", {
        "customer_id_is_given": "customer_id = null",
        "email_has_a_shape": "email = 'nobody'",
        "created_at_is_in_range": "created_at = timestamp '2100-01-01'",
    }),
    "product_events_row_is_valid": ("stg_landing__product_events", {
        "event_id_is_given": "event_id = null",
        "event_at_is_in_range": "event_at = null",
        "duration_ms_is_in_range": "duration_ms = 86400001",
    }),
    "orders_row_is_valid": ("stg_landing__orders", {
        "order_id_is_given": "order_id = null",
        "ordered_at_is_in_range": "ordered_at = null",
        "amount_fits_status": "amount = 0",
        "status_is_known": "status = 'shipped'",
        "currency_is_three_letters": "currency = 'eur'",
    }),
    "tenant_events_row_is_valid": ("stg_landing__tenant_events", {
        "tenant_id_is_a_name": "tenant_id = '../x'",
        "event_id_is_given": "event_id = null",
        "source_is_given": "source = null",
        "event_type_is_given": "event_type = 'Click'",
        "event_at_is_in_range": "event_at = null",
        "schema_version_is_positive": "schema_version = 0",
        "payload_is_an_object": "payload = '[1]'",
    }),
    "transactions_row_is_valid": ("stg_landing__transactions", {
        "id_is_given": "id = null",
        "transacted_at_is_in_range": "transacted_at = null",
        "amount_is_not_negative": "amount = -0.01",
        "side_is_known": "side = 'both'",
    }),
    **{
        f"service_metrics_per_{bucket}_row_is_valid": (f"service_metrics_per_{bucket}", {
            **METRIC_FAULTS, f"{bucket}_is_whole": f"{bucket} = {bucket} + interval 1 second",
        })
        for bucket in ("minute", "hour", "day")
    },
    **{
        f"tenant_metrics_per_{bucket}_row_is_valid": (f"tenant_metrics_per_{bucket}", {
            "tenant_id_is_a_name": "tenant_id = '../x'",
            f"{bucket}_is_whole": f"{bucket} = {bucket} + interval 1 second",
            "counts_are_nested": "amount_count = event_count + 1",
            "sum_needs_amounts": "amount_count = 0, amount_sum = 1",
            "payload_bytes_are_counted": "payload_bytes = -1",
        })
        for bucket in ("minute", "hour", "day")
    },
    "tenant_usage_daily_row_is_valid": ("tenant_metrics_per_day", {
        "counts_are_counted": "payload_bytes = -1",
        "share_is_a_share": "event_count = 0",
    }),
    "file_loads_row_is_valid": ("file_loads", {
        "file_is_given": "file = null",
        "status_is_known": "status = 'lost'",
        "failure_is_explained": "error = 'not a failure'",
        "counts_stand_with_status": "status = 'superseded'",
        "counts_add_up": "records_read = records_read + 1",
        "counts_are_not_negative": "repaired_count = -1",
    }),
    "pipeline_runs_row_is_valid": ("state.runs", {
        "status_is_known": "status = 'lost'",
        "end_follows_start": "finished_at = started_at - interval 1 second",
    }),
    "quarantine_summary_row_is_valid": ("quarantine_summary", {
        "key_is_given": "ingest_date = null",
        "reason_is_known": "reject_reason = 'no_such_reason'",
        "record_count_is_positive": "record_count = 0",
    }),
    "reject_reasons_row_is_valid": ("reject_reasons", {
        "name_is_snake_case": "reject_reason = 'Missing Id'",
        "meaning_is_given": "meaning = null",
        "example_is_given": "example = null",
    }),
    "daily_metrics_row_is_valid": ("daily_metrics", {
        "counts_add_up": "records_read = records_read + 1",
        "counts_are_not_negative": "repaired_count = -1",
        "rate_is_a_share": "quarantine_rate = 1.1",
        "durations_belong_to_product_events": "p50_duration_ms = 1, feed = 'orders'",
        "durations_are_ordered": "p50_duration_ms = 2, p95_duration_ms = 1",
    }),
    "daily_order_totals_row_is_valid": ("daily_order_totals", {
        "count_is_positive": "order_count = 0",
        "amount_is_not_negative": "amount = -1",
        "status_is_known": "status = 'shipped'",
    }),
    "alerts_row_is_valid": ("alerts", {
        "key_is_given": "feed = null",
        "alert_is_known": "alert = 'boredom'",
        "severity_is_known": "severity = 'dull'",
        "it_fires": "observed = threshold",
        "file_is_named": "file = 'x'",
    }),
    "service_anomalies_row_is_valid": ("service_anomalies", {
        "minute_is_whole": "minute = minute + interval 1 second",
        "metric_is_known": "metric = 'mood'",
        "score_is_large": "score = 1",
        "direction_follows_score": "direction = 'sideways'",
    }),
    "hourly_events_row_is_valid": ("int_events_counted", {
        "hour_is_one": "hour = 24",
        "count_is_positive": "event_count = 0",
    }),
    "spend_per_day_row_is_valid": ("spend_per_day", {
        "key_is_given": "day = null", "bucket_is_whole": "day = day + interval 1 hour", **SPEND_FAULTS,
    }),
    "spend_per_category_row_is_valid": ("spend_per_category", {
        "key_is_given": "category = null", "bucket_is_whole": MONTH_FAULT, **SPEND_FAULTS,
    }),
    "spend_per_merchant_row_is_valid": ("spend_per_merchant", {
        "key_is_given": "merchant = null", "bucket_is_whole": MONTH_FAULT, **SPEND_FAULTS,
    }),
    "unusual_amounts_row_is_valid": ("unusual_amounts", {
        "key_is_given": "merchant = null",
        "score_is_large": "score = 1",
        "direction_follows_score": "direction = 'sideways'",
        "merchant_is_judged": "transaction_count = 9",
    }),
}  # fmt: skip

# Rules that need another statement than an assignment to one row: rule → SQL.
OTHER_RULES: dict[tuple[str, str], str] = {
    **{(f"{feed}_row_is_valid", "ingest_date_is_given"): f"""
        update state.loads set ingest_date = null where feed = '{feed}' and file like '%/new.csv'
       """ for feed in ENTITIES},
    ("product_events_row_is_valid", "customer_is_known"): """
        update state.contested_product_events set customer_id = 'nobody' where event_id = 'new-twice-0'""",
    ("orders_row_is_valid", "customer_is_known"): """
        update state.contested_orders set customer_id = 'nobody' where order_id = 'new-twice-0'""",
}  # fmt: skip

# Test → (SQL that plants the fault, words of the failure reason).
FAULTS: dict[str, tuple[str, str]] = {
    **{f"{feed}_key_is_unique": (f"""
        insert into stg_landing__{feed} select * from stg_landing__{feed} where {key} = 'new-7'
       """, "2 rows have this key") for feed, key in ENTITIES.items()},
    **{f"{table}_{test}": (
        f"insert into {table} select * from {table} where rowid = (select max(rowid) from {table})",
        "2 rows have this key",
       ) for test, tables in {
           "key_is_unique": ("reject_reasons", "order_statuses"),
           "row_is_valid": (
               "service_metrics_per_minute", "service_metrics_per_hour", "service_metrics_per_day",
               "daily_metrics", "spend_per_day", "spend_per_category", "spend_per_merchant", "unusual_amounts",
               "service_anomalies", "tenant_metrics_per_minute", "tenant_metrics_per_hour",
               "tenant_metrics_per_day",
           ),
       }.items() for table in tables},
    "file_loads_current_file_is_unique": (
        "insert into file_loads select * from file_loads where status = 'loaded' limit 1",
        "2 rows have this key"),
    **{f"{feed}_every_record_is_accounted_for": (f"""
        delete from stg_landing__{feed} where {key} = 'new-7'
       """, "records were read, but") for feed, key in ENTITIES.items()},
    "service_metrics_buckets_add_up": (
        "update service_metrics_per_hour set request_count = request_count + 1 where service = 's7'",
        "the tables disagree: day 1, hour 2, minute 1"),
    "tenant_metrics_buckets_add_up": (
        "update tenant_metrics_per_hour set amount_sum = amount_sum + 0.01",
        "the tables disagree: day 26, hour 26, minute 26"),
    "parse_timestamp_reads_its_truth_table": (
        "update timestamp_cases set expected = timestamp '2026-01-01' where raw = 'now'",
        "'now' (a word) is read as null"),
    "numbers_read_their_truth_table": (
        "update number_cases set expected_amount = 1 where raw = '1_000'",
        "parse_amount reads '1_000' as null"),
    "daily_counts_agree": (
        "update daily_order_totals set order_count = order_count + 1", "daily_order_totals counts"),
}  # fmt: skip

# More that one test guards against: (test, SQL, words of the failure reason).
MORE_FAULTS = [
    ("orders_every_record_is_accounted_for",
     """update file_loads set clean_count = clean_count - 1, duplicate_count = duplicate_count + 1
        where feed = 'orders'""",
     "file_loads says"),
    ("orders_every_record_is_accounted_for", "delete from file_loads where feed = 'orders'",
     "file_loads has no current line"),
    ("orders_every_record_is_accounted_for",
     "update int_reasons_counted set record_count = record_count + 1 where record_count > 0",
     "int_reasons_counted does not say how often missing_amount occurs"),
    ("transactions_every_record_is_accounted_for", "delete from int_reasons_counted",
     "int_reasons_counted does not say how often"),
    ("orders_every_record_is_accounted_for",
     "update stg_landing__orders set _reject_reasons = ['no_such_reason'] where _reject_reasons is not null",
     "the reason no_such_reason is not in seeds/reject_reasons.csv"),
    ("orders_every_record_is_accounted_for",
     "update stg_landing__orders set _reject_reasons = [] where _reject_reasons is not null",
     "gives no reason"),
    ("service_metrics_buckets_add_up", """
     update service_metrics_per_minute set status_count = 0, error_count = 0, error_rate = null
     where service = 's7'""", "the tables disagree"),
    ("service_metrics_buckets_add_up", """
     delete from service_metrics_per_minute where service = 's7';
     delete from service_metrics_per_hour where service = 's7';
     delete from service_metrics_per_day where service = 's7'""", "are clean"),
    ("tenant_metrics_buckets_add_up", """
     delete from tenant_metrics_per_minute; delete from tenant_metrics_per_hour; delete from tenant_metrics_per_day
     """, "are clean"),
    ("service_events_key_is_unique",
     "update state.contested_service_events set _rank = 1 where event_id = 'new-twice-0'",
     "2 rows have this key"),
    ("numbers_read_their_truth_table", "update number_cases set expected_integer = 0 where raw = '1e3'",
     "parse_integer reads '1e3' as null"),
    ("numbers_read_their_truth_table", "update number_cases set expected_number = 0 where raw = '1e3'",
     "parse_number reads '1e3' as 1000.0"),
]  # fmt: skip
