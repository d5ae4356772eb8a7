{#-
  The rows a query returns, asked once for each node of a build.

  Macros that a model's hooks, its SQL and its strategy share ask the same of the state each time they are rendered:
  "was the entity made anew", which nothing changes before the node is done. A query costs dbt some milliseconds, so
  the answer is kept where one invocation's nodes have a common place, dbt's `graph`.

  Args:
    query (string): a query whose answer stays the same until the current node is done.
    of_all (boolean): the answer serves all nodes; what they change in it is not what they ask for.
  Returns: a list of rows.
-#}
{% macro asked_once(query, of_all=false) -%}
  {%- if graph.get('answers', {}).get('invocation') != invocation_id -%}
    {%- do graph.update({'answers': {'invocation': invocation_id}}) -%}
  {%- endif -%}
  {%- set question = (none if of_all else model.unique_id, query) -%}
  {%- if question not in graph.answers -%}
    {%- do graph.answers.update({question: run_query(query).rows}) -%}
  {%- endif -%}
  {{ return(graph.answers[question]) }}
{%- endmacro %}
