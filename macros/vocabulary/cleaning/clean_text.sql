{#-
  Trimmed text, or null when nothing is left: how a field of free text is cleaned.

  Args:
    value (SQL expression): raw text; evaluated several times, so pass a column.
    fold (string): 'lower', 'upper' or none.
  Returns: a SQL expression of type VARCHAR without surrounding Unicode white space and invisible characters (U+200B,
    U+200C, U+200D, U+2060, U+FEFF); null when nothing is left or when \N is.

  Nearly every field needs no trimming, and is recognised by comparisons of a few bytes where trim() decodes all of them:
    ASCII throughout that begins with a visible character and ends with none of the six white ones. (To take the last
    character, as in value[-1], costs more than all six suffixes.)
-#}
{% macro clean_text(value, fold=none) -%}
  {{ return(adapter.dispatch('clean_text')(value, fold)) }}
{%- endmacro %}

{% macro default__clean_text(value, fold) -%}
  {{ exceptions.raise_compiler_error('clean_text is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__clean_text(value, fold) -%}
  {{ duckdb__folded(
    'case when ' ~ duckdb__is_trimmed(value) ~ ' then ' ~ value ~ ' else ' ~ duckdb__trimmed(value) ~ ' end', fold
  ) }}
{%- endmacro %}

{#-
  The same for keys, identifiers, instants and numbers, where a null word (NULL, N/A, -) is null, too.

  Args:
    value (SQL expression): raw text; evaluated several times, so pass a column.
    feed (string): a table of the source `landing`, whose option null_words counts before the var; or none.
    fold (string): 'lower', 'upper' or none.
  Returns: a SQL expression of type VARCHAR.
-#}
{% macro clean_value(value, feed=none, fold=none) -%}
  {{ return(adapter.dispatch('clean_value')(value, null_words(feed), fold)) }}
{%- endmacro %}

{% macro default__clean_value(value, words, fold) -%}
  {{ exceptions.raise_compiler_error('clean_value is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{#-
  Most values are longer than every null word, or have a digit where no null word has one. (DuckDB makes a join of `in` with
  more than a few literals.)
-#}
{% macro duckdb__clean_value(value, words, fold) -%}
  {%- set longest = words | map('length') | max if words else 0 -%}
  {%- set digit_at = namespace(first=false, second=false) -%}
  {%- for word in words -%}
    {%- set digit_at.first = digit_at.first or word[:1] in '0123456789' -%}
    {%- set digit_at.second = digit_at.second or (word | length > 1 and word[1:2] in '0123456789') -%}
  {%- endfor -%}
  {%- set literals -%}
    [{% for word in words %}'{{ word | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}]
  {%- endset -%}
  {%- set cleaned -%}
    case
      {%- if words %}
      when {{ duckdb__is_trimmed(value) }} and (
        strlen({{ value }}) > {{ longest }}{{ '' if digit_at.first else ' or ' ~ value ~ " between '0' and ':'" }}
        {{- '' if digit_at.second else ' or ' ~ value ~ " glob '?[0-9]*'" }}
      ) then {{ value }}
      when {{ value }} is null or {{ value }} = '' then null
      when {{ duckdb__is_trimmed(value) }} and not list_contains({{ literals }}, lower({{ value }})) then {{ value }}
      else {{ duckdb__let(duckdb__trimmed(value), '_word', 'case when not list_contains(' ~ literals ~ ', lower(_word)) then _word end') }}
      {%- else %}
      when {{ duckdb__is_trimmed(value) }} then {{ value }}
      else {{ duckdb__trimmed(value) }}
      {%- endif %}
    end
  {%- endset -%}
  {{ duckdb__folded(cleaned, fold) }}
{%- endmacro %}

{#- The null words of a feed in lower case. -#}
{% macro null_words(feed=none) -%}
  {%- set words = source_option(feed, 'null_words') if feed else var('null_words', []) -%}
  {{ return(words | map('string') | map('lower') | unique | list) }}
{%- endmacro %}

{#- Whether text surely has nothing to trim and is not \N; ASCII only. -#}
{% macro duckdb__is_trimmed(value) -%}
  {{ value }} between '!' and '~' and strlen({{ value }}) = length({{ value }}) and {{ value }} != '\N' and not (suffix({{ value }}, ' ')
  {%- for white in '\t\n\v\f\r' %} or suffix({{ value }}, '{{ white }}'){% endfor %})
{%- endmacro %}

{#-
  Any text, trimmed: ASCII has six white characters, and trim() without a list of them, which takes spaces only, is ten times
  as fast. Beyond them are Unicode's
  White_Space, then the zero-width space, non-joiner and joiner, the word joiner and the byte order mark. (Literal characters,
  because DuckDB takes a millisecond to put thirty calls of chr() together.)
-#}
{% macro duckdb__trimmed(value) -%}
  {%- set ascii = ' \t\n\v\f\r' -%}
  {%- set beyond = '\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000' ~ '\u200b\u200c\u200d\u2060\ufeff' -%}
  nullif(nullif(case
    when strlen({{ value }}) != length({{ value }}) then trim({{ value }}, '{{ ascii ~ beyond }}')
    when regexp_matches({{ value }}, '[\t-\r]') then trim({{ value }}, '{{ ascii }}')
    else trim({{ value }})
  end, ''), '\N')
{%- endmacro %}

{% macro duckdb__folded(cleaned, fold) -%}
  {%- if fold is none -%} {{ cleaned }}
  {%- elif fold in ('lower', 'upper') -%} {{ fold }}({{ cleaned }})
  {%- else -%} {{ exceptions.raise_compiler_error("clean_text: fold is '" ~ fold ~ "'; use 'lower', 'upper' or none") }}
  {%- endif -%}
{%- endmacro %}

{#-
  A value under a name, for an expression that needs it several times.

  Args:
    value (SQL expression): evaluated once for each row.
    name (string): what `body` calls it. A column of the same name would be taken for it, so it begins with _.
    body (SQL expression): the expression.
  Returns: a SQL expression of the type of `body`.
-#}
{% macro duckdb__let(value, name, body) -%}
  list_transform([{{ value }}], lambda {{ name }}: {{ body }})[1]
{%- endmacro %}
