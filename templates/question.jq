# The direct message of an inquiry: the question with two buttons, and after the answer the same message with what was
# answered, when, and what was done. Reads the employee's case document only. Outside words stand in rich_text alone.
.inquiry as $q
| (.pages | map(select(.reason != "opened"))) as $pages
| def page_line:
    if .state == "confirmed" then t("page_confirmed"; {time: .at})
    elif .state == "failed" and .took then t("page_lost"; {})
    elif .state == "failed" then t("page_failed"; {})
    elif .state == "failing" and .took then t("page_losing"; {})
    elif .state == "failing" then t("page_failing"; {})
    elif .state == "late" then t("page_not_confirmed"; {time: .at})
    else t("page_pending"; {}) end;
  def drill_outcome:
    if $q.answer == "no" then [t("you_said_no"; {time: $q.answered}), t("drill_no"; {})]
    elif $q.answer == "yes" then [t("you_said_yes"; {time: $q.answered}), t("drill_yes"; {})]
    elif $q.state == "silent" then [t("silent_sorry"; {deadline: $q.deadline}), t("drill_silent"; {})]
    elif $q.state == "unreachable" then [t("drill_unreachable"; {})]
    else [] end;
  def outcome:
    if .case.drill then drill_outcome
    elif $q.answer == "no" then [t("you_said_no"; {time: $q.answered}), t("no_thanks"; {})]
    elif $q.answer == "yes" then
      [ t("you_said_yes"; {time: $q.answered}),
        ( if .case.state == "closed" then t("yes_closed"; {})
          elif .case.high then t("yes_high"; {})
          else t("yes_open"; {}) end ) ]
    else
      (if $q.state == "silent" then [t("silent_sorry"; {deadline: $q.deadline})]
       elif $q.state == "unreachable" then [t("unreachable_employee"; {})]
       else [] end)
      + (if $q.state != "open" and $q.can_answer then [t("still_open"; {})] else [] end)
      + (if $q.late == "yes" then [t("late_yes"; {time: $q.late_at})] else [] end) end;
  def notify:
    if .case.drill then t("drill_notify"; {})
    elif $q.answer == "yes" or $q.late == "yes" then t("notify_yes"; {})
    elif $q.answer == "no" then t("notify_no"; {})
    elif $q.state == "silent" then t("notify_silent"; {})
    else t("question_notify"; {}) end;
{ text: notify,
  blocks: (
    (if .case.drill then [rich([line([bold(t("drill_label"; {}))])])] else [] end)
    + [ rich([line([bold(if .person.name == "" then t("question_hello_nameless"; {})
                       else t("question_hello"; {name: .person.name}) end)])]),
      rich([line([word(.case.summary)])]) ]
    + (if .case.when == "" or $q.answer != "" then [] else [rich([line([word(t("question_when"; {time: .case.when}))])])] end)
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
          small(if .case.drill then t("drill_correct"; {}) else t("yes_correct"; {}) end) ]
      else [] end)
    + (if $q.state == "open" then
        [small(if .case.drill then t("drill_help"; {deadline: $q.deadline})
               elif $q.silence_pages then t("question_help_page"; {deadline: $q.deadline})
               else t("question_help_review"; {deadline: $q.deadline}) end)]
      else [] end)
    + [small(t("question_privacy"; {case: .case.id}))] ) }
