"""The functions a mapping's SELECT may call: those whose value depends on nothing but their arguments."""

from __future__ import annotations

from sqlglot import exp

from dq.spark import sqltext

# Left out on purpose: whatever reads the clock, the session, files or the network (now, current_date, current_user,
# input_file_name, read_files), runs code (reflect, java_method), is not repeatable (rand, uuid,
# monotonically_increasing_id, first, any_value, collect_list) or stops the query (raise_error, assert_true).
_LISTED = """
    abs add_months aggregate any array array_contains array_distinct array_join array_max array_min
    array_position array_size array_sort array_union ascii avg base64 bigint bit_count bool_and bool_or boolean bround
    btrim cardinality cast ceil ceiling char_length character_length coalesce concat concat_ws contains conv
    convert_timezone count count_if crc32 cume_dist date date_add date_diff date_format date_from_unix_date date_part
    date_sub date_trunc dateadd datediff day dayofmonth dayofweek dayofyear decimal decode dense_rank double
    element_at elt endswith every exists exp explode explode_outer extract filter find_in_set first_value flatten float
    floor forall format_number format_string from_json from_unixtime from_utc_timestamp get get_json_object greatest
    hash hex hour if ifnull ilike initcap inline inline_outer instr int isnan isnotnull isnull json_object_keys
    json_tuple lag last_day last_value lcase lead least left len length levenshtein ln locate log log10 log2 lower lpad
    ltrim make_date make_dt_interval make_interval make_timestamp make_timestamp_ntz make_ym_interval map
    map_concat map_contains_key map_entries map_filter map_from_arrays map_keys map_values mask max max_by md5 mean
    median min min_by minute mod month months_between named_struct nanvl negative next_day nth_value ntile nullif nvl
    nvl2 octet_length overlay parse_url percent_rank pmod posexplode posexplode_outer position positive pow power
    printf quarter rank regexp regexp_count regexp_extract regexp_extract_all regexp_instr regexp_like regexp_replace
    regexp_substr repeat replace reverse right rint rlike round row_number rpad rtrim second sequence sha sha1 sha2
    sign signum size slice smallint some sort_array soundex split split_part sqrt startswith str_to_map string struct
    substr substring substring_index sum timestamp timestamp_micros timestamp_millis timestamp_seconds
    timestampadd timestampdiff tinyint to_char to_date to_json to_number to_timestamp to_timestamp_ltz
    to_timestamp_ntz to_unix_timestamp to_utc_timestamp transform translate trim trunc try_add try_avg try_cast
    try_divide try_element_at try_multiply try_subtract try_sum try_to_binary try_to_date try_to_number
    try_to_timestamp typeof ucase unbase64 unhex unix_date unix_micros unix_millis unix_seconds unix_timestamp upper
    url_decode url_encode weekday weekofyear when width_bucket xxhash64 year zip_with
"""
NAMES = frozenset(_LISTED.split())

# Operators and syntax that the parser keeps as function nodes.
_SYNTAX = (
    exp.And, exp.Case, exp.Cast, exp.Exists, exp.Extract, exp.If, exp.Not, exp.Or, exp.Overlay, exp.RegexpLike,
    exp.StrPosition, exp.Substring, exp.Trim, exp.TryCast, exp.Xor,
)  # fmt: skip


def refused(tree: exp.Expression) -> list[str]:
    """The names of the functions in a parsed query that are not on the list, each once, in order."""
    names: list[str] = []
    for node in tree.find_all(exp.Func):
        name = sqltext.called(node)
        if name is None:
            if isinstance(node, _SYNTAX):
                continue
            name = node.sql_name().lower()
        # Called without arguments it reads the clock.
        elif name in NAMES and not isinstance(node.parent, exp.Dot) and (name != "unix_timestamp" or node.expressions):
            continue
        if name not in names:
            names.append(name)
    return names
