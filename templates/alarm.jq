# A page that the pager did not confirm: shouted into the analysts' channel, by our own words; rewritten quietly if it is
# confirmed after all. The only mrkdwn we send; nothing from outside is in it.
.page as $p
| .case as $c
| t("reason_" + $p.reason; {}) as $why
| if $p.state == "confirmed" then
    (if $p.by == "" then t("alarm_over"; {case: $c.id, priority: $c.priority, reason: $why, time: $p.at})
      else t("alarm_over_by"; {case: $c.id, priority: $c.priority, reason: $why, time: $p.at, pager: $p.by}) end) as $say
    | {text: $say, blocks: [rich([line([word($say)])])]}
  else
    t("alarm"; {case: $c.id, priority: $c.priority, reason: $why}) as $say
    | { text: $say,
        blocks: ( [ {type: "section", text: {type: "mrkdwn", text: ("<!here> *" + $say + "*"), verbatim: true}} ]
          + (if ($p.calls | length) > 1 then
               [rich([$p.calls[] | line([bold(.pager + ": "), word(if .error == "" then t("alarm_waits"; {}) else .error end)])])]
             elif $p.error == "" then []
             else [rich([line([bold(t("alarm_error"; {})), word($p.error)])])] end) ) }
  end
