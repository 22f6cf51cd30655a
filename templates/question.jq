# The direct message of an inquiry: the question with two buttons, and after the answer the same message with what was
# answered, when, and what was done. Reads the employee's case document only. Outside words stand in rich_text alone.
.inquiry as $q
| (.pages | map(select(.reason != "opened"))) as $pages
| def page_line:
    if .state == "confirmed" then t("page_confirmed"; {time: .at})
    elif .state == "failed" then t("page_failed"; {})
    elif .state == "failing" then t("page_failing"; {})
    elif .state == "late" then t("page_not_confirmed"; {time: .at})
    else t("page_pending"; {}) end;
  def outcome:
    if $q.answer == "no" then [t("you_said_no"; {time: $q.answered}), t("no_thanks"; {})]
    elif $q.answer == "yes" then
      [ t("you_said_yes"; {time: $q.answered}),
        ( if .case.state == "closed" then t("yes_closed"; {})
          elif .case.high then t("yes_high"; {})
          else t("yes_open"; {}) end ) ]
    elif $q.state == "silent" then
      [t("silent_sorry"; {deadline: $q.deadline})]
      + (if $q.can_answer then [t("silent_still"; {})] else [] end)
      + (if $q.late == "yes" then [t("late_yes"; {time: $q.late_at})] else [] end)
    elif $q.state == "unreachable" then [t("unreachable_employee"; {})]
    else [] end;
  def notify:
    if $q.answer == "yes" then t("notify_yes"; {})
    elif $q.answer == "no" then t("notify_no"; {})
    elif $q.state == "silent" then t("notify_silent"; {})
    else t("question_notify"; {}) end;
{ text: notify,
  blocks: (
    [ rich([line([bold(if .person.name == "" then t("question_hello_nameless"; {})
                       else t("question_hello"; {name: .person.name}) end)])]),
      rich([line([word(.case.summary)])]) ]
    + (if (.facts | length) > 0 and $q.answer == "" then [rich([line([bold(t("question_facts"; {}))]), facts(.facts)])] else [] end)
    + [rich([line([bold($q.question)])])]
    + (if $q.can_answer then
        [ {type: "actions", block_id: "answer", elements: [
            button("yes"; t("button_yes"; {}); $q.token; null),
            button("no"; t("button_no"; {}); $q.token; "danger") ]} ]
      else [] end)
    + (outcome + [$pages[] | page_line] | map(rich([line([word(.)])])))
    + (if $q.comment == "" then [] else [rich([line([bold(t("your_note"; {})), word($q.comment)])])] end)
    + (if $q.can_not_me then
        [ {type: "actions", block_id: "correct", elements: [button("not_me"; t("button_not_me"; {}); $q.token; "danger")]},
          small(t("yes_correct"; {})) ]
      else [] end)
    + (if $q.state == "open" then
        [small(t("question_buttons_help"; {deadline: $q.deadline}))]
      else [] end)
    + [small(t("question_privacy"; {case: .case.id}))] ) }
