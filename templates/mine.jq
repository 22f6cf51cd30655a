# The newest questions to whoever asks, and what became of them. Reads one employee's document a question.
def what:
  .inquiry as $q
  | if $q.answer == "yes" then t("mine_yes"; {time: $q.answered})
    elif $q.answer == "no" then t("mine_no"; {time: $q.answered})
    elif $q.late == "yes" then t("mine_late"; {time: $q.late_at})
    elif $q.state == "silent" then t("mine_silent"; {deadline: $q.deadline})
    elif $q.state == "unreachable" then t("mine_unreachable"; {})
    else t("mine_open"; {deadline: $q.deadline}) end;
{ text: (if .words == "several" then t("mine_several"; {}) else t("mine_notify"; {}) end),
  blocks: (
    [rich([line([word(if .words == "several" then t("mine_several"; {})
                      elif (.questions | length) == 0 then t("mine_none"; {})
                      else t("mine_intro"; {}) end)])])]
    + [.questions[] | rich([
        line([bold(.case.id + (if .case.drill then " · " + t("drill"; {}) else "" end) + ": "), word(.inquiry.question)]),
        line([word(what)]) ])] ) }
