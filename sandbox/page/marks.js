// marks: Slack's text to DOM nodes: mrkdwn, plain_text and rich_text. Used by blocks.js and the panes. It knows nothing
// of messages; names come from `look` ({person(id), channel(id), zone, me, now}). Data becomes text nodes only, and a link
// is a link only when its scheme is http, https or mailto.
import { h } from './dom.js';
import { slackDate } from './times.js';

const EMOJI = {
  white_check_mark: '✅', heavy_check_mark: '✔️', x: '❌', no_entry: '⛔', no_entry_sign: '🚫', warning: '⚠️',
  rotating_light: '🚨', bell: '🔔', lock: '🔒', unlock: '🔓', key: '🔑', closed_lock_with_key: '🔐', shield: '🛡️',
  eyes: '👀', wave: '👋', tada: '🎉', thinking_face: '🤔', question: '❓', exclamation: '❗', hourglass: '⌛',
  hourglass_flowing_sand: '⏳', alarm_clock: '⏰', stopwatch: '⏱️', clock1: '🕐', calendar: '📅', memo: '📝',
  pager: '📟', telephone_receiver: '📞', phone: '☎️', email: '📧', computer: '💻', iphone: '📱', mag: '🔍',
  red_circle: '🔴', large_yellow_circle: '🟡', large_orange_circle: '🟠', large_green_circle: '🟢',
  large_blue_circle: '🔵', white_circle: '⚪', bust_in_silhouette: '👤', busts_in_silhouette: '👥', robot_face: '🤖',
  thumbsup: '👍', '+1': '👍', thumbsdown: '👎', '-1': '👎', pray: '🙏', point_right: '👉', information_source: 'ℹ️',
  speech_balloon: '💬', zzz: '💤', link: '🔗', ticket: '🎫', mute: '🔇', repeat: '🔁', raised_hand: '✋',
};

export const emojiName = (name) => EMOJI[name] ?? `:${name}:`;
const decode = (text) => text.replace(/&(lt|gt|amp);/g, (_, name) => ({ lt: '<', gt: '>', amp: '&' })[name]);

export function link(url, ...label) {
  if (!/^(https?:\/\/|mailto:)/i.test(url)) return h('span', {}, ...label);
  return h('a', { href: url, target: '_blank', rel: 'noopener noreferrer', title: url }, ...label);
}

const mention = (words, mine) => h('span', { class: mine ? 'mention mine' : 'mention' }, words);
const personMention = (id, look) => mention(`@${look.person(id)}`, id === look.me);

function date(seconds, format, url, fallback, look) {
  const words = slackDate(seconds, format, look.zone, look.now) ?? fallback;
  const time = h('time', { title: fallback }, words);
  return url ? link(url, time) : time;
}

// What stands between < and >: the first character says which, the part after | is the label.
function control(inner, look) {
  const bar = inner.indexOf('|');
  const target = decode(bar < 0 ? inner : inner.slice(0, bar));
  const label = bar < 0 ? '' : decode(inner.slice(bar + 1));
  if (target.startsWith('@')) return personMention(target.slice(1), look);
  if (target.startsWith('#')) return mention(`#${look.channel(target.slice(1)) ?? label}`, false);
  if (target.startsWith('!date^')) {
    const [, seconds, format, url] = target.split('^');
    return date(seconds, format, url, label, look);
  }
  if (/^!(here|channel|everyone)$/.test(target)) return mention(`@${target.slice(1)}`, true);
  if (target.startsWith('!subteam^')) return mention(label || `@${target.slice(9)}`, false);
  if (target.startsWith('!')) return h('span', {}, label || target);
  return link(target, label || target.replace(/^mailto:/, ''));
}

const STYLES = { '*': 'strong', _: 'em', '~': 's' };
const wordlike = (ch) => ch !== undefined && /[\p{L}\p{N}]/u.test(ch);

// The end of a *run* that starts at `from`, or -1. Slack wants no letter outside and no space inside the marks.
function runEnd(text, from) {
  const mark = text[from];
  if (wordlike(text[from - 1]) || text[from + 1] === undefined || /\s/.test(text[from + 1]) || text[from + 1] === mark)
    return -1;
  for (let i = from + 1; i < text.length && text[i] !== '\n'; i++) {
    if (text[i] === '<' && text.indexOf('>', i) > i) i = text.indexOf('>', i); // marks inside <…> do not count
    else if (text[i] === mark && !/\s/.test(text[i - 1]) && !wordlike(text[i + 1])) return i;
  }
  return -1;
}

// One paragraph: control sequences, code, styles, emoji, bare addresses (unless verbatim), line ends.
function inline(text, look, verbatim) {
  const out = [];
  let plain = '';
  const flush = () => { if (plain) out.push(decode(plain)); plain = ''; };
  const put = (node, next) => { flush(); out.push(node); return next; };
  for (let i = 0; i < text.length;) {
    const rest = text.slice(i);
    const at = /^<([^<>\n]+)>/.exec(rest);
    const code = /^`([^`\n]+)`/.exec(rest);
    const emoji = /^:([a-z0-9_+-]{1,40}):/.exec(rest);
    const bare = !verbatim && !wordlike(text[i - 1]) && /^https?:\/\/[^\s<>|"]+[^\s<>|".,;:!?)]/.exec(rest);
    const end = STYLES[text[i]] ? runEnd(text, i) : -1;
    if (at) i = put(control(at[1], look), i + at[0].length);
    else if (code) i = put(h('code', {}, codeText(code[1], look)), i + code[0].length);
    else if (emoji) i = put(emojiName(emoji[1]), i + emoji[0].length);
    else if (bare) i = put(link(decode(bare[0]), decode(bare[0])), i + bare[0].length);
    else if (end > 0) i = put(h(STYLES[text[i]], {}, inline(text.slice(i + 1, end), look, verbatim)), end + 1);
    else if (text[i] === '\n') i = put(h('br'), i + 1);
    else plain += text[i++];
  }
  flush();
  return out;
}

// In code no style counts, but Slack's server still resolves <…> there.
const codeText = (text, look) =>
  text.split(/(<[^<>\n]+>)/).map((piece, i) => (i % 2 ? control(piece.slice(1, -1), look) : decode(piece)));

// Lines that start with > become one quote.
function paragraphs(text, look, verbatim) {
  const out = [];
  let lines = [];
  let quoted = false;
  const flush = () => {
    if (lines.length) {
      const nodes = inline(lines.join('\n'), look, verbatim);
      out.push(quoted ? h('blockquote', {}, nodes) : nodes);
    }
    lines = [];
  };
  for (const line of text.split('\n')) {
    const quote = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (Boolean(quote) !== quoted) flush();
    quoted = Boolean(quote);
    lines.push(quote ? quote[1] : line);
  }
  flush();
  return out;
}

export function mrkdwn(text, look, verbatim = false) {
  return String(text ?? '').split(/```([\s\S]*?)```/).map((piece, i) => {
    if (i % 2) return h('pre', { tabindex: '0' }, codeText(piece.replace(/^\n|\n$/g, ''), look));
    const trimmed = i ? piece.replace(/^\n/, '') : piece;
    return trimmed ? paragraphs(trimmed, look, verbatim) : [];
  }).flat(Infinity);
}

// plain_text: nothing is parsed but emoji names (when asked for) and line ends.
export function plain(text, emoji) {
  const words = emoji ? String(text ?? '').replace(/:([a-z0-9_+-]{1,40}):/g, (_, name) => emojiName(name)) : String(text ?? '');
  return words.split('\n').flatMap((line, i) => (i ? [h('br'), line] : [line]));
}

// A text object of Block Kit.
export function textObject(object, look) {
  if (!object) return [];
  if (object.type === 'mrkdwn') return mrkdwn(object.text, look, object.verbatim === true);
  return plain(object.text, object.emoji !== false);
}

function styled(style, node) {
  const tags = { code: 'code', strike: 's', italic: 'em', bold: 'strong' };
  return Object.keys(tags).reduce((inner, name) => (style?.[name] ? h(tags[name], {}, inner) : inner), node);
}

const RICH = {
  text: (e) => plain(e.text, false),
  link: (e) => link(e.url ?? '', e.text ?? e.url ?? ''),
  user: (e, look) => personMention(e.user_id, look),
  channel: (e, look) => mention(`#${look.channel(e.channel_id) ?? e.channel_id}`, false),
  usergroup: (e) => mention(`@${e.usergroup_id}`, false),
  broadcast: (e) => mention(`@${e.range}`, true),
  emoji: (e) => emojiName(e.name),
  color: (e) => h('code', {}, e.value),
  date: (e, look) => date(String(e.timestamp), e.format, e.url, e.fallback ?? '', look),
};

function richRun(elements, look) {
  return (elements ?? []).map((e) => {
    const node = RICH[e.type] ? RICH[e.type](e, look) : `[${e.type}]`;
    return e.style ? styled(e.style, node) : node;
  });
}

function richPart(part, look) {
  switch (part.type) {
    case 'rich_text_section': return h('div', { class: 'run' }, richRun(part.elements, look));
    case 'rich_text_quote': return h('blockquote', {}, richRun(part.elements, look));
    case 'rich_text_preformatted': return h('pre', { tabindex: '0' }, richRun(part.elements, look));
    case 'rich_text_list': {
      const items = (part.elements ?? []).map((item) => h('li', {}, richRun(item.elements, look)));
      const shape = { class: `indent-${Math.min(Number(part.indent) || 0, 8)}` };
      if (part.style === 'ordered') return h('ol', { ...shape, start: (Number(part.offset) || 0) + 1 }, items);
      return h('ul', shape, items);
    }
    default: return h('p', { class: 'hint' }, `[${part.type}]`);
  }
}

export const richText = (block, look) => (block.elements ?? []).map((part) => richPart(part, look));
