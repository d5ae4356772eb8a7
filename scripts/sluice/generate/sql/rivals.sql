-- Which of the records of one key is meant to win, and what is then said of each.

-- Does this record win its key? Rivals are equal (copy, tie: the first path wins) or one is better beyond doubt.
create macro wins_key(is_rival, is_third, is_original, flavor, is_other_first) as
    case
        when is_third then false
        when not is_rival and not is_original then true
        when flavor in ('copy', 'tie') then not is_other_first
        when flavor in ('richer', 'later') then is_rival
        else is_original
    end;

create macro verdict_names() as ['clean', 'duplicate', 'quarantined'];

create macro verdict(is_accepted, is_winner) as
    case when not is_accepted then 2 when is_winner then 0 else 1 end;

-- The key of a record, if it can be read at all.
create macro readable(value, structural_fault, lost, name) as
    case
        when structural_fault is not null then null
        when lost is null then value
        when not list_contains(lost, name) then value
    end;

-- The same where the first path wins whatever the records say, and in one file the earlier time.
create macro wins_by_path(is_rival, is_original, flavor, is_same_file, is_other_first) as
    case
        when not is_rival and not is_original then true
        when flavor = 'broken' then is_original
        when is_same_file and flavor = 'earlier' then is_rival
        when is_same_file and flavor = 'later' then is_original
        else not is_other_first
    end;

-- The record that is the poorer of its pair.
create macro is_poor(is_rival, is_third, is_original, flavor) as
    case when is_third then true when flavor is null then false
        when is_rival then flavor = 'poorer' else flavor = 'richer' end;

-- How far a rival's time lies from its original's.
create macro rival_seconds(is_third, flavor) as
    case when is_third then -200 when flavor = 'later' then 90 when flavor = 'earlier' then -90 else 0 end;
