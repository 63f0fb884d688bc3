// The page: the key, what it asks for and how often, the header, and one of three views. See dom.js for how it is drawn.

import {Failure, call, getKey, setKey} from './api.js';
import {h, patch} from './dom.js';
import {counted, duration, now, setClock, time} from './format.js';
import * as flow from './flow.js';
import * as messages from './messages.js';
import * as overview from './overview.js';

const VIEWS = {'': overview, messages, flow};
const INTERVAL = 2_000;
const HIDDEN_INTERVAL = 30_000;
const NOTICE = 12_000;

const app = {
  /** The last answer of GET /overview; null before the first. */
  overview: null,
  /** The address: the view's name, what follows it, and the filters. */
  place: {name: '', id: '', query: new URLSearchParams()},
  call: act,
  notify,
  open,
  refresh,
  render,
};

let state = 'starting';
let signInProblem = null;
let received = 0;
let lost = null;
let paused = false;
let notices = [];
let asked = new Map();
let timer = 0;
let asking = false;
let again = false;
let arriving = false;
let failures = 0;
let session = 0;

const byId = id => document.getElementById(id);
const view = () => VIEWS[app.place.name] ?? overview;

// What it asks for: every two seconds the overview, and the one thing of the view that waits longest.

async function tick() {
  clearTimeout(timer);
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  again = false;
  const started = Date.now();
  const mine = session;
  try {
    if (state === 'in') {
      await Promise.all([ask({name: 'overview', every: 0, run: look}), ask(longestWaiting())]);
    } else {
      await look();
      again = true;
    }
    if (mine === session) {
      state = 'in';
      failures = 0;
      lost = null;
      received = Date.now();
    }
  } catch (failure) {
    if (mine === session) {
      failed(failure);
    }
  }
  asking = false;
  render();
  if (arriving && state === 'in') {
    arriving = false;
    byId('title')?.focus();
  }
  if (again) {
    tick();
  } else {
    plan(Date.now() - started);
  }
}

/** When to ask again: less often in a hidden tab, and after failures. */
function plan(took) {
  clearTimeout(timer);
  if (paused || state === 'signed out') {
    return;
  }
  const wait = Math.max(
    document.hidden ? HIDDEN_INTERVAL : INTERVAL,
    Math.min(INTERVAL * failures, 5 * INTERVAL),
    (lost?.retryAfter ?? 0) * 1000,
  );
  timer = setTimeout(tick, Math.max(250, wait - took));
}

function longestWaiting() {
  let longest = null;
  let waits = -1;
  for (const poll of view().polls(app)) {
    const waited = Date.now() - (asked.get(poll.name) ?? 0) - poll.every * 1000;
    if (waited >= -INTERVAL / 4 && waited > waits) {
      longest = poll;
      waits = waited;
    }
  }
  return longest;
}

async function ask(poll) {
  if (poll) {
    asked.set(poll.name, Date.now());
    await poll.run();
  }
}

async function look() {
  const mine = session;
  const answer = await call('GET', 'api/v1/overview');
  if (mine === session) {
    setClock(answer.at);
    app.overview = answer;
    say();
  }
}

function failed(failure) {
  if (!(failure instanceof Failure)) {
    console.error(failure);
    failure = new Failure(0, {title: 'This page has a fault', detail: `${failure}; load it anew`});
  }
  if (failure.status === 401) {
    signOut(getKey() ? failure : null);
    return;
  }
  failures += 1;
  lost = failure;
}

/** Asks at once. */
function refresh() {
  asked = new Map();
  if (state !== 'signed out') {
    tick();
  }
}

/** Does what the user pressed, and tells how it ended. Gives the answer; nothing when it failed. */
async function act(method, path, options, done) {
  try {
    const answer = await call(method, path, {seconds: 70, ...options});
    if (done) {
      notify('done', typeof done === 'function' ? done(answer) : done);
    }
    return answer ?? {};
  } catch (failure) {
    if (failure.status === 401) {
      failed(failure);
      render();
    } else {
      notify('failed', failure.title, failure.lines ?? [String(failure)]);
    }
    return undefined;
  } finally {
    refresh();
  }
}

function notify(kind, title, lines = []) {
  const notice = {kind, title, lines, id: `${Date.now()}-${Math.random()}`};
  notices = [...notices.slice(-2), notice];
  if (kind === 'done') {
    setTimeout(() => dismiss(notice), NOTICE);
  }
  render();
}

function dismiss(notice) {
  notices = notices.filter(other => other !== notice);
  render();
}

// The key.

function signOut(problem) {
  setKey('');
  session += 1;
  state = 'signed out';
  signInProblem = problem;
  app.overview = null;
  lost = null;
  received = 0;
  Object.values(VIEWS).forEach(each => each.forget());
  clearTimeout(timer);
  render();
  byId('key')?.focus();
}

function signIn(event) {
  event.preventDefault();
  setKey(byId('key').value.trim());
  state = 'starting';
  signInProblem = null;
  session += 1;
  arriving = true;
  render();
  tick();
}

function signInForm() {
  return h('form', {class: 'card sign-in', key: 'sign-in', onsubmit: signIn},
    h('h1', {}, 'Herald'),
    h('p', {}, 'Enter an API key: one of ', h('code', {}, 'api.key'), ', without its name. It is kept in this tab until you close it.'),
    h('label', {for: 'key'}, 'API key'),
    h('input', {
      id: 'key', type: 'password', autocomplete: 'off', required: true, spellcheck: 'false',
      'aria-describedby': signInProblem ? 'key-problem' : null, 'aria-invalid': signInProblem ? 'true' : null,
      mounted: field => field.focus(),
    }),
    signInProblem && h('p', {id: 'key-problem', class: 'problem', role: 'alert'}, 'Herald does not know this key. Look at it again, or ask those who run Herald for one.'),
    h('button', {class: 'primary'}, 'Show the dashboard'));
}

/** Whether the key is good, but not for this page. */
const mayNotLook = () => lost?.status === 403 && !app.overview;

function forbidden() {
  return h('section', {class: 'card sign-in', key: 'forbidden'},
    h('h1', {id: 'title', tabindex: '-1'}, 'This key may not look'),
    lost.lines.map(line => h('p', {}, line)),
    h('button', {class: 'primary', onclick: () => signOut(null)}, 'Use another key'));
}

// The address: #/messages/ID?status=FAILED

function open(name, id = '', query = new URLSearchParams()) {
  const filters = query.toString();
  location.hash = `#/${name}${id ? '/' + encodeURIComponent(id) : ''}${filters ? '?' + filters : ''}`;
}

function arrive() {
  const [path, filters = ''] = location.hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [name, id = ''] = path.split('/');
  const before = app.place.name;
  app.place = {name: name in VIEWS ? name : '', id: decoded(id), query: new URLSearchParams(filters)};
  view().arrive?.(app);
  render();
  if (app.place.name !== before && state === 'in') {
    scrollTo(0, 0);
    byId('title')?.focus();
  }
  refresh();
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// How it looks.

function header() {
  const {node, scheduler, needs = []} = app.overview ?? {};
  const link = (name, text, mark) => h('a', {href: `#/${name}`, 'aria-current': app.place.name === name ? 'page' : null}, text, mark);
  return [
    h('a', {class: 'skip', href: '#main', onclick: skip}, 'Skip to the content'),
    h('span', {class: 'brand'}, 'Herald'),
    state === 'in' && h('nav', {'aria-label': 'Views'},
      link('', 'Overview', needs.length > 0 && h('span', {class: 'badge'}, String(needs.length), h('span', {class: 'unseen'}, ' need you'))),
      link('messages', 'Messages'),
      link('flow', 'Flow'),
      h('a', {href: '../swagger/'}, 'API')),
    state === 'in' && scheduler && h('span', {class: `pill ${scheduler.running ? 'good' : 'bad'}`},
      h('span', {'aria-hidden': 'true'}, scheduler.running ? '● ' : '■ '), scheduler.running ? 'Delivery on' : 'Delivery off'),
    h('span', {class: 'space'}),
    state === 'in' && node && h('span', {class: 'quiet node', title: 'The node that answers'}, `${node.name} · ${node.version}`),
    state === 'in' && h('button', {class: 'small', onclick: pause, 'aria-pressed': String(paused)}, paused ? 'Go on' : 'Pause'),
    state === 'in' && getKey() && h('button', {class: 'small', onclick: () => signOut(null)}, 'Sign out'),
  ].filter(Boolean);
}

function skip(event) {
  event.preventDefault();
  byId('main').focus();
}

function pause() {
  paused = !paused;
  if (paused) {
    clearTimeout(timer);
    render();
  } else {
    refresh();
  }
}

/** Says so when what is shown is not what is. */
function banner() {
  const shown = received > 0 && [
    ' What you see is from ', time(new Date(received + now() - Date.now()).toISOString()),
    h('span', {'aria-hidden': 'true'}, ` (${duration((Date.now() - received) / 1000)} ago)`), '.',
  ];
  if (lost && state !== 'signed out' && !mayNotLook()) {
    return [h('div', {class: 'banner bad'}, h('div', {}, h('strong', {}, lost.title, '.'), ' ', lost.lines.join(' '), shown),
      h('button', {class: 'small', onclick: refresh}, 'Try now'))];
  }
  return paused && state === 'in'
    ? [h('div', {class: 'banner'}, h('div', {}, h('strong', {}, 'Paused.'), shown), h('button', {class: 'small', onclick: pause}, 'Go on'))]
    : [];
}

function notice(each) {
  return h('div', {class: `notice ${each.kind}`, key: each.id, role: each.kind === 'failed' ? 'alert' : null},
    h('div', {}, h('strong', {}, each.title), each.lines.map(line => h('p', {}, line))),
    h('button', {class: 'small', onclick: () => dismiss(each), 'aria-label': 'Close this notice'}, '✕'));
}

function content() {
  if (state === 'signed out') {
    return signInForm();
  }
  if (mayNotLook()) {
    return forbidden();
  }
  if (!app.overview) {
    return h('p', {class: 'quiet waiting', key: 'waiting'}, lost ? 'Waiting for an answer from Herald.' : 'Asking Herald …');
  }
  return h('div', {key: `view-${app.place.name}`, class: `view ${app.place.name || 'overview'}`}, view().render(app));
}

function render() {
  patch(byId('top'), header());
  patch(byId('banner'), banner());
  patch(byId('main'), [content()]);
  patch(byId('notices'), notices.map(notice));
  const needs = app.overview?.needs?.length ?? 0;
  document.title = `${needs ? `(${needs}) ` : ''}Herald${app.place.name ? `: ${app.place.name}` : ''}`;
}

/** Tells a screen reader what has changed, and nothing else. */
function say() {
  const {scheduler, needs} = app.overview;
  const text = [
    scheduler && `Delivery is ${scheduler.running ? 'on' : 'off'}.`,
    needs && (needs.length ? `${counted(needs.length, 'thing needs', 'things need')} you.` : 'Nothing needs you.'),
  ];
  patch(byId('said'), [text.filter(Boolean).join(' ')]);
}

addEventListener('hashchange', arrive);
document.addEventListener('visibilitychange', () => {
  if (document.hidden) {
    plan(0);
  } else if (!paused) {
    refresh();
  }
});
addEventListener('online', () => paused || refresh());
setInterval(() => document.hidden || render(), 1_000);
arrive();
