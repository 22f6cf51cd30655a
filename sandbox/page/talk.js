// talk: the middle pane: the conversation as the chosen person sees it, the Home tab, and the box to write in. Called
// by app.js only; what Block Kit looks like is in blocks.js.
import { h, byId, sync, rove, icon } from './dom.js';
import { mrkdwn } from './marks.js';
import { blockNodes } from './blocks.js';
import { clock, dayName, fullMoment } from './times.js';
import { control, deliver } from './link.js';
import { avatar } from './rail.js';

const COMMAND = '/securitybot';
const GROUP_MS = 300_000; // messages of one author within five minutes stand under one name

// Replies stand under what they reply to, the oldest first, as in Slack's thread pane; a reply whose parent is gone stands
// by its time.
function threaded(all) {
  const under = new Map(all.map((row) => [row.ts, []]));
  const top = all.filter((row) => {
    const parent = row.thread_ts && row.thread_ts !== row.ts ? under.get(row.thread_ts) : undefined;
    parent?.push({ ...row, reply: true });
    return !parent;
  });
  return top.flatMap((row) => [row, ...(row.ts ? under.get(row.ts) : [])]);
}

// The messages of the channel and this person's ephemeral ones, by time, with a line before each new day.
function rows(app, channel) {
  const all = (channel?.messages ?? []).map((message) => ({ ...message, key: message.ts, ms: Number(message.ts) * 1000 }));
  app.state.ephemerals.forEach((note) => {
    const key = `only-${note.at_ms}-${note.ts ?? note.text}`;
    if (note.channel === channel?.id && note.user === app.me && !app.dismissed.has(key))
      all.push({ ...note, key, ms: note.at_ms, user: app.bot()?.id, only: true });
  });
  all.sort((a, b) => a.ms - b.ms);
  const out = [];
  let last = null;
  for (const row of threaded(all)) {
    const day = row.reply ? last.day : dayName(row.ms, app.look.zone, app.look.now);
    if (day !== last?.day) out.push({ key: `day ${day}`, day, line: true });
    const follows = last && !row.only && !last.only && !row.reply && !last.reply && last.day === day && last.user === row.user
      && row.ms - last.ms < GROUP_MS;
    out.push({ ...row, day, follows });
    last = { ...row, day };
  }
  return out;
}

function content(app, row) {
  const place = { channel: app.here()?.id, ts: row.ts, ...(app.shoulder() && { force: true }) };
  const edited = row.edited_ts ? h('span', { class: 'edited' }, ' (edited)') : null;
  if (row.blocks?.length) return [blockNodes(row.blocks, app.context(place)), edited];
  return [h('div', { class: 'text' }, mrkdwn(row.text, app.look), edited)];
}

function messageRow(app, row) {
  if (row.line) return h('li', { class: 'day' }, h('span', {}, row.day));
  const author = app.person(row.user);
  const time = h('time', { datetime: new Date(row.ms).toISOString(), title: fullMoment(row.ms, app.look.zone) },
    clock(row.ms, app.look.zone));
  const name = h('p', { class: row.follows ? 'author away' : 'author' }, h('strong', {}, author?.real_name ?? row.user ?? 'Somebody'),
    author?.is_bot ? h('span', { class: 'app-tag' }, 'APP') : null, ' ', time);
  const thread = row.reply ? h('p', { class: 'only' }, 'Reply in the thread') : null;
  const only = row.only ? h('p', { class: 'only' }, icon('eye'), h('span', {}, 'Only visible to you'), h('button', {
    type: 'button', class: 'plain', 'data-focus': 'dismiss',
    onclick: () => { app.dismissed.add(row.key); app.render(); byId('messages').focus(); },
  }, 'Dismiss')) : null;
  return h('li', { class: `message${row.follows ? ' follows' : ''}${row.only ? ' private' : ''}${row.reply ? ' reply' : ''}`, tabindex: '-1' },
    row.follows ? h('span', { class: 'margin', 'aria-hidden': 'true' }, clock(row.ms, app.look.zone)) : avatar(author),
    h('div', { class: 'body' }, only, name, thread, content(app, row)));
}

// What the picture of a row depends on: itself, the names in it, and what became of its buttons.
function picture(app, row) {
  const fates = [...app.fates].filter(([name]) => row.ts && name.includes(`"${row.ts}"`));
  return [row, app.me, app.look.zone, app.state.people.length, fates];
}

function empty(app) {
  const talk = app.where === 'dm';
  return h('li', { class: 'empty', 'data-key': 'empty' },
    h('p', { class: 'empty-title' }, talk ? 'Nothing here yet' : 'No messages in this channel yet'),
    h('p', {}, talk ? 'Send an alert from the shelf that concerns this person, or write to SecurityBot below.'
      : 'SecurityBot posts here what the security team should know. Send an alert from the shelf to see one.'),
    h('button', { type: 'button', class: 'button', 'data-focus': 'to-shelf', onclick: () => { app.go({ pane: 'side' }); byId('shelf-title').focus(); } },
      'Go to the shelf'));
}

function drawMessages(app, channel) {
  const box = byId('messages');
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const list = rows(app, channel);
  const place = placeOf(app);
  sync(byId('message-list'), list.length ? list : [{ key: `empty ${place}`, none: true }], (row) => row.key,
    (row) => (row.none ? place : picture(app, row)), (row) => (row.none ? empty(app) : messageRow(app, row)));
  if (atEnd) box.scrollTop = box.scrollHeight;
}

function drawHome(app) {
  const entry = app.state.views.find((view) => view.user === app.me && view.view.type === 'home');
  const item = { key: 'home', entry, fates: [...app.fates] };
  sync(byId('home'), [item], () => `home ${app.me}`, () => [item.entry, item.fates, app.look.zone], () => h('div', { class: 'home-view', tabindex: '-1' },
    entry ? blockNodes(entry.view.blocks, app.context({ view_id: entry.id }))
      : h('p', { class: 'empty' }, 'SecurityBot has not shown anything here yet.')));
}

const placeOf = (app) => `${app.me} ${app.where}`;
const drafts = new Map(); // what was typed but not sent, by place

// Another conversation: its draft comes to the box, the old one is kept.
function turnTo(app) {
  const box = byId('entry');
  if (box.dataset.place === placeOf(app)) return;
  drafts.set(box.dataset.place, box.value);
  box.dataset.place = placeOf(app);
  box.value = drafts.get(placeOf(app)) ?? '';
  complain('');
}

export function drawTalk(app) {
  turnTo(app);
  const channel = app.here();
  const direct = app.where === 'dm';
  const bot = app.bot()?.real_name ?? 'SecurityBot';
  const owner = app.shoulder();
  const title = owner ? [`${owner.real_name}’s screen`] : [icon('hash'), channel?.name ?? ''];
  byId('talk-title').replaceChildren(...(direct ? [bot, h('span', { class: 'app-tag' }, 'APP')] : title));
  byId('shoulder-note').hidden = !owner;
  byId('shoulder-note').textContent = owner ? `This is a conversation of ${owner.real_name}. What you press here arrives as a click by ${app.look.person(app.me)}, who has no business with it.` : '';
  byId('tabs').hidden = !direct;
  for (const tab of byId('tabs').children) {
    const chosen = tab.dataset.tab === app.tab;
    tab.setAttribute('aria-selected', String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
  byId('messages').hidden = app.tab !== 'messages';
  byId('messages').setAttribute('aria-label', `Messages: ${byId('talk-title').textContent}`);
  byId('home').hidden = app.tab !== 'home';
  byId('composer').hidden = app.tab !== 'messages' || owner !== null;
  byId('entry').placeholder = `Message ${direct ? bot : `#${channel?.name ?? ''}`}`;
  byId('entry-hint').textContent = direct ? `Enter sends. ${COMMAND} starts a command.`
    : `Enter sends. ${COMMAND} starts a command. In a channel SecurityBot hears only what is addressed to it.`;
  if (app.tab === 'home') drawHome(app);
  else drawMessages(app, channel);
}

export function showEnd() {
  byId('messages').scrollTop = byId('messages').scrollHeight;
}

function complain(why) {
  byId('entry-error').hidden = !why;
  byId('entry-error').replaceChildren(...(why ? [icon('warning'), h('span', {}, why)] : []));
}

// A command waits for its answer; words are simply there (Slack delivers them again later if the bot is away).
async function send(app, text) {
  const place = { user: app.me, ...(app.where !== 'dm' && { channel: app.where }) };
  const command = /^\/(\S*)\s*([\s\S]*)$/.exec(text);
  if (!command) await control('say', { ...place, text });
  else if (`/${command[1]}` === COMMAND) await deliver('slash', { ...place, text: command[2].trim() });
  else throw new Error(`/${command[1]} is not a command here. Try ${COMMAND} help.`);
}

async function submit(app) {
  const entry = byId('entry');
  const text = entry.value.trim();
  if (!text) return;
  const place = placeOf(app);
  complain('');
  entry.value = '';
  try {
    const sent = send(app, text);
    showEnd();
    await sent;
  } catch (trouble) {
    if (place !== placeOf(app)) return;
    complain(trouble.message);
    entry.value ||= text;
  }
}

export function startTalk(app) {
  rove(byId('tabs'), '[role="tab"]');
  for (const tab of byId('tabs').children) {
    tab.addEventListener('click', () => {
      app.go({ tab: tab.dataset.tab });
      control('home', { user: app.me, tab: tab.dataset.tab }).catch(() => {}); // the tab shows what there is
    });
  }
  byId('composer').addEventListener('submit', (event) => { event.preventDefault(); submit(app); });
  byId('entry').addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit(app);
  });
  byId('slash').addEventListener('click', () => {
    if (!byId('entry').value.startsWith('/')) byId('entry').value = `${COMMAND} `;
    byId('entry').focus();
  });
}
