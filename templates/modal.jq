# The comment modal, opened after the answer was recorded (and, after a No, after the page has left).
.inquiry as $q
| { type: "modal", callback_id: "comment", private_metadata: $q.token,
    title: {type: "plain_text", text: t("modal_title"; {})},
    submit: {type: "plain_text", text: t("modal_submit"; {})},
    close: {type: "plain_text", text: t("modal_close"; {})},
    blocks: [
      {type: "section", text: {type: "plain_text", text: (if .case.drill then t("drill_modal"; {}) elif $q.answer == "no" then t("modal_intro_no"; {}) else t("modal_intro_yes"; {}) end)}},
      {type: "input", block_id: "note", optional: true,
       label: {type: "plain_text", text: t("modal_label"; {})},
       element: {type: "plain_text_input", action_id: "text", multiline: true, max_length: 500, focus_on_load: true,
                 placeholder: {type: "plain_text", text: t("modal_placeholder"; {})}}} ] }
