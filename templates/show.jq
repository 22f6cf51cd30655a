# One case: for an analyst all of it, with its record; for the person it asks what his own message says.
.inquiry as $q
| def dotted: map(select(. != "")) | join(" · ");
  def page_line:
    t("reason_" + .reason; {}) as $why
    | if .state == "confirmed" and .by != "" then t("card_page_confirmed_by"; {reason: $why, time: .at, pager: .by})
      elif .state == "confirmed" then t("card_page_confirmed"; {reason: $why, time: .at})
      elif .state == "failed" or .state == "failing" then t("card_page_failed"; {reason: $why, error: .error})
      elif .by != "" then t("card_page_next"; {reason: $why, pager: .by})
      else t("card_page_pending"; {reason: $why}) end;
  def named($name; $words): if $words == "" then [] else [line([bold($name), word($words)])] end;
  def answer:
    if $q == null then t("card_not_asked"; {})
    elif $q.answer == "yes" then t("mine_yes"; {time: $q.answered})
    elif $q.answer == "no" then t("mine_no"; {time: $q.answered})
    elif $q.late == "yes" then t("mine_late"; {time: $q.late_at})
    elif $q.state == "silent" then t("mine_silent"; {deadline: $q.deadline})
    elif $q.state == "unreachable" then t("mine_unreachable"; {})
    elif $q.deadline == "" then t("show_sending"; {})
    else t("mine_open"; {deadline: $q.deadline}) end;
  def head:
    [ .case.id, .case.priority, (if .case.state == "closed" then t("show_closed"; {}) else t("show_open"; {}) end) ]
    + (if .analyst then [.case.source, .case.opened] else [] end)
    + [if .case.drill then t("drill"; {}) else "" end];
  def record:
    if (.analyst | not) or (.timeline | length) == 0 then []
    else
      [ rich([ line([bold(if .earlier then t("show_record_newest"; {}) else t("show_record"; {}) end)]),
               {type: "rich_text_list", style: "bullet",
                elements: [.timeline[] | line([word([.at, .actor, .action, (.detail | one_line | clip(120))] | dotted)])]} ]) ]
    end;
{ text: t("show_notify"; {case: .case.id}),
  blocks: (
    [ small(head | dotted),
      rich((if .analyst then [line([bold(.case.title)])] else [] end)
           + [line([word(.case.summary)])]
           + (if (.facts | length) > 0 then [facts(.facts)] else [] end)) ]
    + [rich(
        (if $q == null then [] else named(t("show_question"; {}); $q.question) end)
        + [line([word(answer)])]
        + (if $q == null then [] else named(t("show_note"; {}); $q.comment) end)
        + (if .analyst and $q != null then named(t("show_asked"; {}); [$q.who, $q.user] | dotted) + named(t("show_tried"; {}); $q.tried) else [] end)
        + (if .notice == null then [] else named(t("show_notice"; {}); .notice.text) end)
        + (if .analyst then named(t("show_held"; {}); .case.held) + named(t("show_playbook"; {}); .case.playbook)
             + named(t("card_response"; {}); .case.response) else [] end))]
    + (if .analyst and (.pages | length) > 0 then [rich([.pages[] | line([word(page_line)])])] else [] end)
    + record ) }
