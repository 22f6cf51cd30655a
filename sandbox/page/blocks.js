// blocks: Block Kit to DOM nodes, for messages, the Home tab and modals. Called by talk.js and dialogs.js with a context:
//   look                      names and time zone, see marks.js
//   press(element, block)     somebody pressed this element (asks back first if it has a confirm)
//   fate(element, block)      undefined | 'busy' | the reason why the last press failed
//   input(block)              draws an input block (modals only)
// It fetches nothing: pictures are shown as their alternative text.
import { h, icon, away } from './dom.js';
import { textObject, richText, link, plain } from './marks.js';

export const focusName = (element, block) => `${block.block_id ?? ''}/${element.action_id ?? ''}`;

function picture(image) {
  const title = image.title ? h('figcaption', {}, textObject(image.title, {})) : null;
  return h('figure', { class: 'picture' }, h('span', { role: 'img', 'aria-label': image.alt_text || 'picture' },
    `Picture: ${image.alt_text || 'without a description'}`), title);
}

function failure(why) {
  return h('span', { class: 'failed', role: 'alert' }, icon('warning'), h('span', {}, why));
}

function button(element, block, context) {
  const fate = context.fate(element, block);
  const busy = fate === 'busy';
  const look = element.style === 'primary' || element.style === 'danger' ? ` ${element.style}` : '';
  const shared = {
    class: `button${look}`, 'data-focus': focusName(element, block), 'aria-disabled': busy ? 'true' : null,
    'aria-label': element.accessibility_label ?? null,
    onclick: () => { if (!busy) context.press(element, block); },
  };
  const label = [busy ? h('span', { class: 'spinner' }) : null, plain(element.text?.text, element.text?.emoji !== false),
    busy ? away(' (working)') : null];
  const safe = /^https?:\/\//i.test(element.url ?? '');
  const node = safe
    ? h('a', { ...shared, href: element.url, target: '_blank', rel: 'noopener noreferrer' }, label)
    : h('button', { ...shared, type: 'button' }, label);
  return h('span', { class: 'press' }, node, fate && !busy ? failure(fate) : null);
}

// The elements a person chooses from act at once, with the chosen value.
function choice(element, block, context) {
  const options = element.options ?? (element.option_groups ?? []).flatMap((group) => group.options);
  const fate = context.fate(element, block);
  const chosen = element.initial_option?.value;
  const select = h('select', {
    class: 'choice', 'data-focus': focusName(element, block), 'aria-label': element.placeholder?.text ?? 'Choose',
    onchange: () => { if (select.value) context.press({ ...element, chosen: select.value }, block); },
  }, h('option', { value: '' }, element.placeholder?.text ?? 'Choose…'),
  options.map((option) => h('option', { value: option.value, selected: option.value === chosen }, option.text.text)));
  return h('span', { class: 'press' }, select, fate && fate !== 'busy' ? failure(fate) : null);
}

const ELEMENTS = {
  button, static_select: choice, overflow: choice, radio_buttons: choice,
  image: (element) => picture(element),
};

function element(item, block, context) {
  if (ELEMENTS[item.type]) return ELEMENTS[item.type](item, block, context);
  return h('span', { class: 'hint' }, `[${item.type}: this page cannot show it]`);
}

function section(block, context) {
  const body = [];
  if (block.text) body.push(h('div', { class: 'text' }, textObject(block.text, context.look)));
  if (block.fields) {
    body.push(h('div', { class: 'fields' },
      block.fields.map((field) => h('div', { class: 'text' }, textObject(field, context.look)))));
  }
  if (!block.accessory) return h('div', { class: 'section' }, body);
  return h('div', { class: 'section with-accessory' }, h('div', {}, body),
    h('div', { class: 'accessory' }, element(block.accessory, block, context)));
}

const BLOCKS = {
  section,
  header: (block) => h('h3', { class: 'heading' }, plain(block.text?.text, block.text?.emoji !== false)),
  divider: () => h('hr'),
  context: (block, context) => h('div', { class: 'context' }, (block.elements ?? []).map((item) =>
    (item.type === 'image' ? picture(item) : h('span', {}, textObject(item, context.look))))),
  actions: (block, context) => h('div', { class: 'actions' },
    (block.elements ?? []).map((item) => element(item, block, context))),
  rich_text: (block, context) => h('div', { class: 'rich' }, richText(block, context.look)),
  image: (block) => picture(block),
  video: (block) => h('p', {}, link(block.title_url ?? '', block.title?.text ?? block.alt_text ?? 'video')),
  input: (block, context) => context.input?.(block) ?? h('p', { class: 'hint' }, '[input: only in a modal]'),
};

export function blockNodes(blocks, context) {
  return (blocks ?? []).map((block) =>
    BLOCKS[block.type]?.(block, context) ?? h('p', { class: 'hint' }, `[${block.type}: this page cannot show it]`));
}

// A text for one line: what a screen reader hears of a new message, what a list shows of it.
export function summary(message, look) {
  const words = message.text || (message.blocks ?? []).map((block) => block.text?.text ?? '').join(' ');
  const holder = h('div', {}, textObject({ type: 'mrkdwn', text: words }, look));
  const line = holder.textContent.replace(/\s+/g, ' ').trim();
  return line.length > 160 ? `${line.slice(0, 157)}…` : line;
}
