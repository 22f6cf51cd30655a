# The case in the analysts' channel: one message, rewritten at each change. Reads the analyst's case document.
.inquiry as $q
| (if $q.user == "" then $q.subject else $q.who end) as $who
| (if .person.name != "" then .person.name else .case.subject end) as $told
| def state_line:
    if $q == null or $q.state == "none" then t("card_not_asked"; {})
    elif $q.answer == "no" then t("card_no"; {who: $who, time: $q.answered})
    elif $q.answer == "yes" then t("card_yes_unproven"; {who: $who, time: $q.answered})
    elif $q.state == "silent" then t("card_silent"; {who: $who, deadline: $q.deadline})
    elif $q.state == "unreachable" then t("card_unreachable"; {tried: $q.tried})
    elif $q.user == "" then t("card_looking"; {who: $who})
    elif $q.deadline == "" then t("card_sending"; {who: $who})
    else t("card_asking"; {who: $who, time: $q.asked, deadline: $q.deadline}) end;
  def page_line:
    t("reason_" + .reason; {}) as $why
    | if .state == "confirmed" and .by != "" then t("card_page_confirmed_by"; {reason: $why, time: .at, pager: .by})
      elif .state == "confirmed" then t("card_page_confirmed"; {reason: $why, time: .at})
      elif .state == "failed" or .state == "failing" then t("card_page_failed"; {reason: $why, error: .error})
      elif .by != "" then t("card_page_next"; {reason: $why, pager: .by})
      else t("card_page_pending"; {reason: $why}) end;
  def status:
    if .case.held != "" then t("status_held"; {})
    elif .case.state == "closed" then t("status_closed"; {})
    elif $q == null or $q.state == "none" then t("status_open"; {})
    elif $q.answer == "no" then t("status_no"; {})
    elif $q.answer == "yes" then t("status_yes"; {})
    elif $q.state == "silent" then t("status_silent"; {})
    elif $q.state == "unreachable" then t("status_unreachable"; {})
    else t("status_asking"; {}) end;
{ text: ((if .case.drill then t("drill"; {}) + " " else "" end)
         + t("card_notify"; {case: .case.id, priority: .case.priority, status: status})),
  blocks: (
    [ rich([line([bold((if .case.drill then t("drill"; {}) + " · " else "" end) + .case.title)])
            ] + (if .case.drill then [line([word(t("drill_card"; {who: $who}))])] else [] end)),
      small(t("card_case"; {case: .case.id, priority: .case.priority, source: .case.source}) + " · " + .case.opened
            + (if .case.alerts > 1 then " · " + t("card_seen"; {n: (.case.alerts | tostring)}) else "" end)),
      rich([line([word(.case.summary)])] + (if (.facts | length) > 0 then [facts(.facts)] else [] end)) ]
    + (if .case.cut then [small(t("card_cut"; {case: .case.id}))] else [] end)
    + (if .case.held == "" then [] else [rich([line([bold(t("card_held"; {why: .case.held}))])])] end)
    + (if .case.state == "closed" then [rich([line([bold(if .case.drill then t("drill_closed"; {time: .case.closed}) elif .case.over then t("card_trouble_over"; {time: .case.closed}) else t("card_closed"; {time: .case.closed}) end)])])] else [] end)
    + [rich([line([bold(state_line)])]
      + (if $q != null and $q.late == "yes" then [line([bold(t("card_late_yes"; {who: $who, time: $q.late_at}))])] else [] end))]
    + (if $q != null and $q.comment != "" then [rich([line([bold(t("card_note"; {who: $who})), word($q.comment)])])] else [] end)
    + (if .notice == null then [] else [rich([line([bold(t("card_notice_" + .notice.state; {who: $told, time: .notice.at})),
        word(.notice.text)])] + (if .notice.error == "" then [] else [line([word(.notice.error)])] end))] end)
    + (if (.pages | length) > 0 then [rich([.pages[] | line([word(page_line)])])] else [] end)
    + (if .case.response != "" and .case.state == "open" then [rich([line([bold(t("card_response"; {})), word(.case.response)])])] else [] end) ) }
