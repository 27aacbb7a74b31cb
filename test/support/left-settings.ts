/** Settings that a session leaves at the role's, database's or server's value, by reason. */
const LEFT: Readonly<Record<string, readonly string[]>> = {
  "What a plan's text means is the database's own choice, which staging has from production": [
    ...["search_path", "TimeZone", "timezone_abbreviations", "default_text_search_config"],
    ...["lc_messages", "lc_monetary", "lc_numeric", "lc_time"],
  ],
  "How what is made is kept is the database's own choice, which staging has from production": [
    ...["default_table_access_method", "default_tablespace", "default_toast_compression", "temp_tablespaces"],
    ...["default_statistics_target", "password_encryption", "scram_iterations", "createrole_self_grant"],
    ...[
      "gin_pending_list_limit",
      "file_copy_method",
      "wal_compression",
      "wal_skip_threshold",
      "vacuum_truncate",
    ],
  ],
  "A role that is read-only is so on purpose: a run is refused at its first write, before anything is stopped":
    ["default_transaction_read_only"],
  "It is of one transaction, and its default is pinned or refused": [
    ...["transaction_deferrable", "transaction_isolation", "transaction_read_only"],
  ],
  "It changes by which plan a query runs and how fast, and not what it does; the rehearsal measures under the same":
    [
      ...["constraint_exclusion", "cursor_tuple_fraction", "effective_cache_size", "plan_cache_mode"],
      ...["cpu_index_tuple_cost", "cpu_operator_cost", "cpu_tuple_cost", "random_page_cost", "seq_page_cost"],
      ...[
        "parallel_setup_cost",
        "parallel_tuple_cost",
        "parallel_leader_participation",
        "recursive_worktable_factor",
      ],
      ...["min_parallel_index_scan_size", "min_parallel_table_scan_size", "max_parallel_workers"],
      ...["max_parallel_workers_per_gather", "max_parallel_maintenance_workers", "synchronize_seqscans"],
      ...["enable_async_append", "enable_bitmapscan", "enable_distinct_reordering", "enable_gathermerge"],
      ...["enable_group_by_reordering", "enable_hashagg", "enable_hashjoin", "enable_incremental_sort"],
      ...[
        "enable_indexonlyscan",
        "enable_indexscan",
        "enable_material",
        "enable_memoize",
        "enable_mergejoin",
      ],
      ...["enable_nestloop", "enable_parallel_append", "enable_parallel_hash", "enable_partition_pruning"],
      ...["enable_partitionwise_aggregate", "enable_partitionwise_join", "enable_presorted_aggregate"],
      ...["enable_self_join_elimination", "enable_seqscan", "enable_sort", "enable_tidscan"],
      ...["from_collapse_limit", "join_collapse_limit", "geqo", "geqo_effort", "geqo_generations"],
      ...["geqo_pool_size", "geqo_seed", "geqo_selection_bias", "geqo_threshold", "jit", "jit_above_cost"],
      ...["jit_expressions", "jit_inline_above_cost", "jit_optimize_above_cost", "jit_tuple_deforming"],
    ],
  "It changes how much memory, disk or pace there is, which an administrator decides; the rehearsal meets the same":
    [
      ...[
        "work_mem",
        "hash_mem_multiplier",
        "maintenance_work_mem",
        "logical_decoding_work_mem",
        "temp_buffers",
      ],
      ...["temp_file_limit", "max_stack_depth", "backend_flush_after", "effective_io_concurrency"],
      ...["maintenance_io_concurrency", "io_combine_limit", "commit_delay", "commit_siblings"],
      ...["vacuum_buffer_usage_limit", "vacuum_cost_delay", "vacuum_cost_limit", "vacuum_cost_page_dirty"],
      ...["vacuum_cost_page_hit", "vacuum_cost_page_miss", "vacuum_failsafe_age", "vacuum_freeze_min_age"],
      ...["vacuum_freeze_table_age", "vacuum_multixact_failsafe_age", "vacuum_multixact_freeze_min_age"],
      ...["vacuum_multixact_freeze_table_age", "vacuum_max_eager_freeze_failure_rate", "deadlock_timeout"],
      ...["wal_init_zero", "wal_recycle", "wal_sender_timeout"],
    ],
  "It changes what is logged or counted, and nothing else": [
    ...["application_name", "backtrace_functions", "compute_query_id", "escape_string_warning"],
    ...["debug_pretty_print", "debug_print_parse", "debug_print_plan", "debug_print_rewritten"],
    ...["log_duration", "log_error_verbosity", "log_executor_stats", "log_lock_failures", "log_lock_waits"],
    ...[
      "log_min_duration_sample",
      "log_min_duration_statement",
      "log_min_error_statement",
      "log_min_messages",
    ],
    ...["log_parameter_max_length", "log_parameter_max_length_on_error", "log_parser_stats"],
    ...["log_planner_stats", "log_replication_commands", "log_statement", "log_statement_sample_rate"],
    ...["log_statement_stats", "log_temp_files", "log_transaction_sample_rate", "md5_password_warnings"],
    ...["trace_notify", "trace_sort", "track_cost_delay_timing", "track_counts", "track_functions"],
    ...["track_io_timing", "track_wal_io_timing", "update_process_title"],
  ],
  "It is of the server's own files, and only a superuser changes it": [
    ...["allow_in_place_tablespaces", "dynamic_library_path", "extension_control_path", "extension_destdir"],
    ...["output_plugin_libraries", "composite_type_mismatch"],
  ],
  "It counts at the session's beginning, when nobody can change it any more": [
    ...["local_preload_libraries", "session_preload_libraries"],
  ],
  "It is for those who work on PostgreSQL itself, and changes no result": [
    ...["debug_discard_caches", "debug_logical_replication_streaming", "jit_dump_bitcode"],
    ...["wal_consistency_checking"],
  ],
};

export const LEFT_SETTINGS: ReadonlySet<string> = new Set(Object.values(LEFT).flat());
