// rail: the left pane: whom you play, and the conversations that person has. Called by app.js only.
import { h, byId, sync, rove, away, icon } from './dom.js';
import { clock } from './times.js';

const TONES = 6;

// A small square with the person's initials; the bot has its shield.
export function avatar(person) {
  if (person?.is_bot) return h('span', { class: 'avatar bot', 'aria-hidden': 'true' }, icon('shield'));
  const name = person?.real_name ?? '?';
  const initials = name.split(/\s+/).map((word) => [...word][0]).join('').slice(0, 2);
  const tone = [...(person?.id ?? '')].reduce((sum, ch) => (sum * 31 + ch.codePointAt(0)) % 997, 7) % TONES;
  return h('span', { class: `avatar tone-${tone}`, 'aria-hidden': 'true' }, initials);
}

const badge = (n) => (n ? h('span', { class: 'count' }, String(n), away(' unread')) : null);

function drawPeople(app) {
  const row = (person) => ({ ...person, chosen: person.id === app.me, unread: app.unread(person.id, app.direct(person.id)) });
  sync(byId('people'), app.people().map(row), (person) => person.id,
    (person) => [person.real_name, person.title, person.chosen, person.unread],
    (person) => h('button', {
      type: 'button', role: 'radio', class: 'row', 'aria-checked': String(person.chosen), tabindex: person.chosen ? '0' : '-1',
      'data-focus': person.id, onclick: () => app.go({ me: person.id }),
    }, avatar(person), h('span', { class: 'row-text' }, h('span', { class: 'row-name' }, person.real_name),
      person.title ? h('span', { class: 'row-more' }, person.title) : null), badge(person.unread)));
}

function conversation(app, item) {
  return h('li', {}, h('button', {
    type: 'button', class: `row${item.unread ? ' news' : ''}`, 'aria-current': item.open ? 'page' : null,
    'data-focus': item.where, onclick: () => { app.go({ where: item.where, pane: 'talk' }); byId('talk-title').focus(); },
  }, item.person ? avatar(item.person) : icon('hash'), h('span', { class: 'row-text' }, h('span', { class: 'row-name' }, item.name)),
  badge(item.unread)));
}

function drawConversations(app) {
  const stamp = (item) => [item.name, item.unread, item.open];
  const channels = app.channels(app.me).filter((channel) => !channel.is_im).map((channel) => ({
    where: channel.id, name: channel.name, unread: app.unread(app.me, channel), open: app.where === channel.id,
  }));
  sync(byId('channels'), channels, (item) => item.where, stamp, (item) => conversation(app, item));
  const bot = app.bot();
  const direct = { where: 'dm', name: bot?.real_name ?? 'SecurityBot', person: bot ?? { is_bot: true },
    unread: app.unread(app.me, app.direct(app.me)), open: app.where === 'dm' };
  sync(byId('directs'), [direct], (item) => item.where, stamp, (item) => conversation(app, item));
  const others = app.state.channels.filter((channel) => channel.is_im && channel.user !== app.me && channel.messages.length)
    .map((channel) => ({ where: channel.id, person: app.person(channel.user), name: app.look.person(channel.user), unread: 0, open: app.where === channel.id }));
  byId('shoulder').hidden = !others.length;
  sync(byId('others'), others, (item) => item.where, stamp, (item) => conversation(app, item));
  const elsewhere = app.people().some((person) => person.id !== app.me && app.unread(person.id, app.direct(person.id)));
  byId('bar-rail').textContent = elsewhere || [...channels, direct].some((item) => item.unread && !item.open) ? '•' : '';
}

export function drawRail(app) {
  const { team, sockets } = app.state;
  byId('team-name').textContent = team.domain.replace(/^./, (first) => first.toUpperCase());
  const up = sockets.some((socket) => socket.up);
  byId('bot-link').dataset.up = String(up);
  byId('bot-link').textContent = up ? 'SecurityBot is connected' : 'SecurityBot is not connected';
  drawPeople(app);
  drawConversations(app);
  const me = app.person(app.me);
  byId('talk-sub').textContent = me ? `You are ${me.real_name}, it is ${clock(app.look.now, me.tz)} where you are` : '';
  for (const button of document.querySelectorAll('#bar button')) {
    if (button.dataset.pane === byId('app').dataset.pane) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
  }
}

export function startRail() {
  rove(byId('people'), '[role="radio"]');
  rove(byId('channels'), 'button');
}
