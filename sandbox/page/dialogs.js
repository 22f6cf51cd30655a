// dialogs: what lies over the page: "are you sure?" and Slack's modals. Called by app.js (showViews on every change) and
// by talk.js (askBack). The native <dialog> keeps the focus inside and hears Escape; we bring the focus back.
import { h, holdFocus, icon } from './dom.js';
import { textObject, plain } from './marks.js';
import { blockNodes } from './blocks.js';
import { control, deliver } from './link.js';

function openDialog(dialog) {
  const back = holdFocus();
  document.body.append(dialog);
  dialog.addEventListener('close', () => { dialog.remove(); back(); });
  dialog.showModal();
}

// Asks before a button acts. True = yes. `confirm` is Block Kit's confirmation object.
export function askBack(confirm, look) {
  return new Promise((resolve) => {
    const dialog = h('dialog', { class: 'dialog small', 'aria-labelledby': 'confirm-title', 'aria-describedby': 'confirm-text' },
      h('h2', { id: 'confirm-title' }, plain(confirm.title?.text, true)),
      h('div', { id: 'confirm-text', class: 'text' }, textObject(confirm.text, look)),
      h('div', { class: 'dialog-foot' },
        h('button', { type: 'button', class: 'button', onclick: () => dialog.close('no') }, plain(confirm.deny?.text ?? 'Cancel', true)),
        h('button', {
          type: 'button', class: `button ${confirm.style === 'danger' ? 'danger' : 'primary'}`,
          onclick: () => dialog.close('yes'),
        }, plain(confirm.confirm?.text ?? 'Yes', true))));
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'));
    openDialog(dialog);
  });
}

const SINGLE_LINE = { email_text_input: 'email', url_text_input: 'url', number_input: 'number', datepicker: 'date', timepicker: 'time' };

// The control of an input block. All answer to .value, radio buttons through their group.
function field(element, shared, app) {
  const start = element.initial_value ?? element.initial_date ?? element.initial_time ?? '';
  const text = {
    ...shared, placeholder: element.placeholder?.text ?? null, maxlength: element.max_length ?? null,
    minlength: element.min_length ?? null, autocomplete: 'off',
  };
  const option = ({ value, text: words }, chosen) => h('option', { value, selected: value === chosen }, words.text);
  if (element.type === 'plain_text_input' && element.multiline) return h('textarea', { ...text, rows: '4' }, start);
  if (element.type === 'plain_text_input') return h('input', { ...text, type: 'text', value: start });
  if (SINGLE_LINE[element.type]) return h('input', { ...text, type: SINGLE_LINE[element.type], value: start });
  if (element.type === 'static_select') {
    return h('select', shared, h('option', { value: '' }, element.placeholder?.text ?? 'Choose…'),
      (element.options ?? []).map((item) => option(item, element.initial_option?.value)));
  }
  if (element.type === 'users_select') {
    return h('select', shared, h('option', { value: '' }, element.placeholder?.text ?? 'Choose a person…'),
      app.people().map((person) => option({ value: person.id, text: { text: person.real_name } }, element.initial_user)));
  }
  if (element.type === 'radio_buttons') {
    const group = h('div', { ...shared, role: 'radiogroup', tabindex: '-1' }, (element.options ?? []).map((item) =>
      h('label', { class: 'radio' }, h('input', {
        type: 'radio', name: shared.id, value: item.value, checked: item.value === element.initial_option?.value,
      }), h('span', {}, textObject(item.text, app.look)))));
    Object.defineProperty(group, 'value', {
      get: () => group.querySelector('input:checked')?.value ?? '',
      set: (value) => { for (const input of group.querySelectorAll('input')) input.checked = input.value === value; },
    });
    return group;
  }
  return null;
}

// One open modal: what is drawn of it, and the person's answers. Lives from views.open to its close.
class Modal {
  constructor(entry, app) {
    this.id = entry.id;
    this.app = app;
    this.fields = new Map(); // block_id → {control, error, action, optional}
    this.trouble = h('p', { class: 'failed', role: 'alert', hidden: true });
    this.body = h('div', { class: 'dialog-body', tabindex: '0', role: 'group', 'aria-label': 'Form' });
    this.title = h('h2', { id: 'modal-title' });
    this.foot = h('div', { class: 'dialog-foot' });
    this.form = h('form', { novalidate: true, onsubmit: (event) => { event.preventDefault(); this.submit(); } },
      this.title, this.trouble, this.body, this.foot);
    this.dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'modal-title' }, this.form);
    this.dialog.addEventListener('close', () => this.closed());
    this.draw(entry.view);
    openDialog(this.dialog);
    (this.body.querySelector('input, textarea, select') ?? this.foot.lastElementChild)?.focus();
  }

  // Draws the view, again when it changed; what was typed stays.
  draw(view) {
    const picture = JSON.stringify([view, [...this.app.fates].filter(([name]) => name.includes(`"${this.id}"`))]);
    if (picture === this.picture) return;
    this.picture = picture;
    const typed = new Map([...this.fields].map(([id, { control: input }]) => [id, input.value]));
    this.fields.clear();
    this.title.replaceChildren(...plain(view.title?.text, true));
    this.body.replaceChildren(...blockNodes(view.blocks, {
      ...this.app.context({ view_id: this.id }), input: (block) => this.input(block),
    }));
    for (const [id, entry] of this.fields) if (typed.has(id)) entry.control.value = typed.get(id);
    this.foot.replaceChildren(h('button', { type: 'button', class: 'button', onclick: () => this.dialog.close() },
      plain(view.close?.text ?? 'Cancel', true)));
    if (view.submit) {
      this.send = h('button', { type: 'submit', class: 'button primary' }, plain(view.submit.text, true));
      this.foot.append(this.send);
    }
  }

  input(block) {
    const id = `input-${block.block_id}`;
    const error = h('p', { id: `${id}-error`, class: 'field-error', hidden: true });
    const hint = block.hint ? h('p', { id: `${id}-hint`, class: 'hint' }, textObject(block.hint, this.app.look)) : null;
    const group = block.element.type === 'radio_buttons';
    const shared = {
      id, 'aria-describedby': `${hint ? `${id}-hint ` : ''}${id}-error`, 'aria-required': block.optional ? null : 'true',
      'aria-labelledby': group ? `${id}-label` : null,
    };
    const input = field(block.element, shared, this.app);
    if (!input) return h('p', { class: 'hint' }, `[${block.element.type}: this page cannot show it]`);
    this.fields.set(block.block_id, { control: input, error, action: block.element.action_id, optional: block.optional });
    return h('div', { class: 'field' },
      h(group ? 'p' : 'label', { id: `${id}-label`, class: 'label', for: group ? null : id }, textObject(block.label, this.app.look),
        block.optional ? h('span', { class: 'hint' }, ' (optional)') : null),
      input, hint, error);
  }

  // {block_id: sentence}; an empty object clears. The first wrong field gets the focus.
  showErrors(errors) {
    let first = null;
    for (const [id, { control: input, error }] of this.fields) {
      const why = errors[id];
      error.hidden = !why;
      error.replaceChildren(...(why ? [icon('warning'), h('span', {}, why)] : []));
      if (why) input.setAttribute('aria-invalid', 'true');
      else input.removeAttribute('aria-invalid');
      if (why) first ??= input;
    }
    first?.focus();
    return first !== null;
  }

  say(why) {
    this.trouble.hidden = !why;
    this.trouble.replaceChildren(...(why ? [icon('warning'), h('span', {}, why)] : []));
  }

  async submit() {
    if (this.busy) return;
    const values = {};
    const missing = {};
    for (const [id, { control: input, action, optional }] of this.fields) {
      if (input.value.trim() !== '') values[id] = { [action]: input.value };
      else if (!optional) missing[id] = 'Please complete this required field.';
    }
    this.say('');
    if (this.showErrors(missing)) return;
    this.wait(true);
    try {
      const answer = await deliver('submit', { user: this.app.me, view_id: this.id, values });
      if (answer.response_action === 'errors') this.showErrors(answer.errors ?? {});
    } catch (trouble) {
      this.say(trouble.message);
    }
    this.wait(false);
  }

  wait(busy) {
    this.busy = busy;
    this.send?.setAttribute('aria-disabled', String(busy));
    this.form.setAttribute('aria-busy', String(busy));
  }

  // The dialog is gone: by the bot's answer, or because the person closed it.
  closed() {
    if (this.left) return;
    this.left = true;
    this.app.closedViews.add(this.id);
    control('close_view', { user: this.app.me, view_id: this.id }).catch(() => {});
    this.app.render();
  }

  leave() {
    this.left = true;
    this.dialog.close();
  }
}

let modal = null;

// Shows the topmost of the person's open modals (or none). Called after every change.
export function showViews(app) {
  const mine = app.state.views.filter((entry) =>
    entry.user === app.me && entry.view.type !== 'home' && !app.closedViews.has(entry.id));
  const top = mine.at(-1);
  if (modal && (modal.left || modal.id !== top?.id)) {
    if (!modal.left) modal.leave();
    modal = null;
  }
  if (!top) return;
  if (modal) modal.draw(top.view);
  else modal = new Modal(top, app);
}
