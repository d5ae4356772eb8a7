{#-
  Trimmed text, or null when nothing is left: the one way a field is cleaned.

  Args:
    value (SQL expression): raw text; evaluated several times, so pass a column.
    fold (string): 'lower', 'upper' or none.
  Returns: a SQL expression of type VARCHAR without surrounding space, tab, CR, LF, VT, FF or no-break space.

  Nearly every field needs no trimming: text that begins and ends with a visible ASCII character is returned as it
  is, which costs two comparisons where trim() costs a scan for seven characters; most of the rest has spaces only. Without
  its second argument, trim() would also take away spaces of other scripts, which are text.
-#}
{% macro clean_text(value, fold=none) -%}
  {{ return(adapter.dispatch('clean_text')(value, fold)) }}
{%- endmacro %}

{% macro default__clean_text(value, fold) -%}
  {{ exceptions.raise_compiler_error('clean_text is not written for ' ~ target.type ~ ' yet') }}
{%- endmacro %}

{% macro duckdb__clean_text(value, fold) -%}
  {%- set cleaned -%}
    case
      when {{ value }} between '!' and '~' and {{ value }}[-1] between '!' and '~' then {{ value }}
      when trim({{ value }}, ' ') between '!' and '~' and trim({{ value }}, ' ')[-1] between '!' and '~' then trim({{ value }}, ' ')
      else nullif(trim({{ value }}, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(160)), '')
    end
  {%- endset -%}
  {%- if fold is none -%} {{ cleaned }}
  {%- elif fold in ('lower', 'upper') -%} {{ fold }}({{ cleaned }})
  {%- else -%} {{ exceptions.raise_compiler_error("clean_text: fold is '" ~ fold ~ "'; use 'lower', 'upper' or none") }}
  {%- endif -%}
{%- endmacro %}
