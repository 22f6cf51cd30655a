# A reply in the thread under the card: one piece of news, for Slack notifies nobody of the card's edits. Reads the analyst's
# case document; .thread says what is new. Outside words stand in rich_text alone.
.inquiry as $q
| .thread as $new
| ($q.who // "") as $who
| { yes: "yes", no: "no", silent: "silent", unreachable: "unreachable",
    late_yes: "yes", late_no: "no", took_back: "no" } as $status_of
| def news:
    if $new.what == "page" then
      t("reason_" + .page.reason; {}) as $why
      | if .page.state == "confirmed" then t("thread_page_confirmed"; {reason: $why, time: .page.at})
        elif .page.state == "failed" or .page.state == "failing" then t("thread_page_failed"; {reason: $why, error: .page.error})
        elif .page.state == "late" then t("thread_page_late"; {reason: $why, time: .page.at})
        else t("thread_page_pending"; {reason: $why}) end
    else
      t("thread_" + $new.what; {who: $who, time: $new.at, deadline: $q.deadline, tried: $q.tried})
      + (if $new.what != "yes" then ""
         else " " + t(if .case.state == "closed" then "thread_yes_closed" elif .case.high then "thread_yes_high"
                      else "thread_yes_open" end; {}) end)
    end;
  def status:
    if $new.what != "page" then t("status_" + $status_of[$new.what]; {})
    elif .page.state == "confirmed" then t("status_paged"; {})
    else t("status_not_paged"; {}) end;
{ text: t("card_notify"; {case: .case.id, priority: .case.priority, status: status}),
  blocks: [ rich([line([word(news)])]
    + (if $new.note == "" then [] else [line([bold(t("card_note"; {who: $who})), word($new.note)])] end)) ] }
