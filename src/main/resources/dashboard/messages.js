// Find messages, and see why one has not gone. The filters are in the address.

import {call, getKey, url} from './api.js';
import {FILTERS as BULK_FILTERS, many} from './bulk.js';
import {ask} from './dialog.js';
import {h} from './dom.js';
import {ago, counted, time} from './format.js';

const PAGE = 50;
const STATUSES = ['PENDING', 'SENDING', 'SENT', 'FAILED', 'UNKNOWN', 'CANCELLED', 'EXPIRED'];
const CLASSES = {NOT_SENT: 'not sent', MISCONFIGURED: 'misconfigured', REFUSED: 'refused', MAYBE_SENT: 'maybe sent'};
const MARKS = {PENDING: '○', SENDING: '◐', SENT: '✓', FAILED: '✕', UNKNOWN: '?', CANCELLED: '–', EXPIRED: '◷'};
const TEXTS = {phoneNumber: 'Phone number', reference: 'Reference'};
const TIMES = {createdFrom: 'Accepted from', createdTo: 'Accepted before', updatedFrom: 'Changed from', updatedTo: 'Changed before'};
const FILTERS = ['status', 'class', ...Object.keys(TEXTS), ...Object.keys(TIMES)];
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What is shown: the filters it was asked with, the messages, the cursor of the next page, those that came since. */
let list = empty('');
/** The open message: its id, itself, why it has not gone. */
let shown = {id: ''};
let opener = null;

function empty(filters) {
  return {filters, items: null, next: null, pages: 0, newer: null, problem: null, loading: false};
}

export function forget() {
  list = empty('');
  shown = {id: ''};
}

/** Called when the address has changed. */
export function arrive(app) {
  const filters = filtersOf(app).toString();
  if (filters !== list.filters) {
    list = empty(filters);
  }
  const {id} = app.place;
  if (id !== shown.id) {
    shown = {id};
    if (id) {
      load(app, loadShown);
      load(app, loadWhy);
    }
  }
  if (!list.items) {
    load(app, look);
  }
}

/** Those of the address that the list knows. */
function filtersOf(app) {
  return new URLSearchParams([...app.place.query].filter(([name, value]) => FILTERS.includes(name) && value));
}

export function polls(app) {
  return app.place.id
    ? [
        {name: 'message', every: 4, run: loadShown},
        {name: 'why', every: 4, run: loadWhy},
        {name: 'messages', every: 8, run: look},
      ]
    : [{name: 'messages', every: 2, run: look}];
}

/** Loads beside the polls, which tell when Herald is away. */
async function load(app, what) {
  try {
    await what();
  } catch {
    // The next poll says it.
  }
  app.render();
}

// The list.

async function look() {
  const mine = list;
  if (mine.loading) {
    return;
  }
  const page = await fetchPage(mine, null);
  if (!page || mine !== list) {
    return;
  }
  const fresh = new Map(page.items.map(message => [message.id, message]));
  if (!mine.items || (mine.pages === 1 && !inUse())) {
    Object.assign(mine, {items: page.items, next: page.nextCursor, pages: 1, newer: null});
    return;
  }
  // Somebody reads it: rows change where they are, and new ones wait until they are asked for.
  const known = new Set(mine.items.map(message => message.id));
  mine.items = mine.items.map(message => fresh.get(message.id) ?? message);
  const newer = page.items.filter(message => !known.has(message.id) && message.id > (mine.items[0]?.id ?? ''));
  mine.newer = newer.length > 0 ? {page, count: newer.length} : null;
}

/** Whether a row has the focus or the pointer, or the list is scrolled. */
function inUse() {
  const rows = document.getElementById('rows');
  return rows && (scrollY > rows.offsetTop || rows.contains(document.activeElement) || rows.matches(':hover'));
}

async function fetchPage(mine, cursor) {
  try {
    const page = await call('GET', 'api/v1/messages', {query: {...Object.fromEntries(new URLSearchParams(mine.filters)), limit: PAGE, cursor}});
    mine.problem = null;
    return page;
  } catch (failure) {
    if (![400, 403, 422].includes(failure.status)) {
      throw failure;
    }
    mine.problem = failure;
    mine.items ??= [];
    return null;
  }
}

async function more(app) {
  const mine = list;
  mine.loading = true;
  app.render();
  try {
    const page = await fetchPage(mine, mine.next);
    if (page) {
      const known = new Set(mine.items.map(message => message.id));
      mine.items = [...mine.items, ...page.items.filter(message => !known.has(message.id))];
      mine.next = page.nextCursor;
      mine.pages += 1;
    }
  } catch (failure) {
    app.notify('failed', failure.title, failure.lines);
  }
  mine.loading = false;
  app.render();
}

function showNewer(app) {
  const {page} = list.newer;
  Object.assign(list, {items: page.items, next: page.nextCursor, pages: 1, newer: null});
  app.render();
  document.getElementById('rows')?.querySelector('a')?.focus();
}

export function render(app) {
  const {id} = app.place;
  return [
    h('h1', {id: 'title', class: 'unseen', tabindex: '-1'}, 'Messages'),
    filters(app),
    h('div', {key: 'beside', class: id ? 'beside open' : 'beside'}, rows(app), id && drawer(app)),
  ];
}

function filters(app) {
  const query = app.place.query;
  const chosen = new Set((query.get('status') ?? '').split(',').filter(Boolean));
  const changed = event => search(app, event.currentTarget.form ?? event.currentTarget);
  const further = ['class', ...Object.keys(TIMES)];
  return h('form', {key: 'filters', class: 'card filters', role: 'search', 'aria-label': 'Find messages', onsubmit: event => {
    event.preventDefault();
    changed(event);
  }},
    h('fieldset', {class: 'statuses'}, h('legend', {class: 'unseen'}, 'Status'), STATUSES.map(status =>
      h('label', {key: status, class: `chip status ${status}`},
        h('input', {type: 'checkbox', name: 'status', value: status, checked: chosen.has(status), onchange: changed}),
        h('span', {'aria-hidden': 'true'}, MARKS[status] + ' '), status.toLowerCase()))),
    h('div', {class: 'fields'},
      Object.entries(TEXTS).map(([name, label]) => h('label', {key: name}, label,
        h('input', {name, value: query.get(name) ?? '', type: name === 'phoneNumber' ? 'tel' : 'text', autocomplete: 'off',
          placeholder: name === 'phoneNumber' ? '+905551234567' : ''}))),
      h('label', {key: 'id'}, 'Message id', h('input', {name: 'id', autocomplete: 'off', spellcheck: 'false'})),
      h('div', {class: 'buttons', key: 'buttons'},
        h('button', {class: 'primary'}, 'Find'),
        query.size > 0 && h('a', {class: 'button', href: '#/messages'}, 'Clear'))),
    h('details', {open: further.some(name => query.has(name))},
      h('summary', {}, 'More filters'),
      h('div', {class: 'fields'},
        h('label', {}, 'Last failure', h('select', {name: 'class', value: query.get('class') ?? '', onchange: changed},
          h('option', {value: ''}, 'any'), Object.entries(CLASSES).map(([name, words]) => h('option', {value: name}, words)))),
        Object.entries(TIMES).map(([name, label]) => h('label', {key: name}, label,
          h('input', {name, type: 'datetime-local', step: '1', value: localTime(query.get(name)), onchange: changed}))))));
}

/** Puts the filters into the address. */
function search(app, form) {
  const data = new FormData(form);
  const id = data.get('id').trim();
  if (ID.test(id)) {
    form.elements.id.value = '';
    app.open('messages', id.toLowerCase(), app.place.query);
    return;
  }
  if (id) {
    app.notify('failed', 'That is no message id', ['One looks like 01a1fe2f-9880-79cd-a0a4-219282de0f59. To find a message by the client\'s own name, use the reference.']);
    return;
  }
  const query = new URLSearchParams();
  const set = (name, value) => value && query.set(name, value);
  set('status', data.getAll('status').join(','));
  [...Object.keys(TEXTS), 'class'].forEach(name => set(name, data.get(name).trim()));
  Object.keys(TIMES).forEach(name => set(name, data.get(name) && new Date(data.get(name)).toISOString()));
  app.open('messages', '', query);
}

/** A time as its field has it, in this place's zone. */
function localTime(iso) {
  const at = new Date(iso ?? '');
  return iso && !Number.isNaN(at.getTime()) ? new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19) : '';
}

function rows(app) {
  const {items, problem, next, newer, loading} = list;
  const filtered = filtersOf(app).size > 0;
  return h('section', {class: 'card list', 'aria-label': 'Messages found', key: 'list'},
    h('div', {class: 'row'},
      h('p', {class: 'quiet'}, 'Newest first.', items && ` ${counted(items.length, 'message')} shown${next ? ', more to load' : ''}.`),
      h('span', {class: 'space'}),
      newer && h('button', {key: 'newer', class: 'small primary', onclick: () => showNewer(app)}, `Show ${counted(newer.count, 'newer one', 'newer ones')}`),
      actions(app)),
    problem && h('div', {class: 'problem', role: 'alert', key: 'problem'}, h('strong', {}, problem.title), problem.lines.map(line => h('p', {}, line))),
    !items && h('p', {class: 'quiet', key: 'asking'}, 'Asking for messages …'),
    items?.length === 0 && !problem && h('p', {class: 'quiet', key: 'none'}, filtered ? 'No message matches.' : 'There are no messages yet.'),
    items?.length > 0 && h('div', {class: 'heads', 'aria-hidden': 'true', key: 'heads'}, ['Status', 'To', 'Content', 'Last error', 'Changed'].map(head => h('span', {}, head))),
    items?.length > 0 && h('ul', {id: 'rows', key: 'rows'}, items.map(message => row(app, message))),
    next && h('button', {key: 'more', disabled: loading, onclick: () => more(app)}, loading ? 'Loading …' : 'Load more'));
}

function row(app, message) {
  const {id, status, phoneNumber, content, attempts, maxAttempts, lastError, updatedAt} = message;
  const open = event => {
    event.preventDefault();
    opener = id;
    app.open('messages', id, app.place.query);
  };
  return h('li', {key: id},
    h('a', {id: `row-${id}`, href: `#/messages/${id}`, onclick: open, 'aria-current': app.place.id === id ? 'true' : null},
      mark(status),
      h('span', {class: 'to'}, phoneNumber),
      h('span', {class: 'content'}, content),
      h('span', {class: 'error'}, status !== 'SENT' && lastError,
        attempts > 0 && status !== 'SENT' && h('span', {class: 'quiet'}, ` (${attempts} of ${maxAttempts} attempts)`)),
      h('span', {class: 'at quiet'}, ago(updatedAt))));
}

const mark = status => h('span', {class: `status ${status}`}, h('span', {'aria-hidden': 'true'}, (MARKS[status] ?? '') + ' '), status.toLowerCase());

/** What can be done to all that the filters find. */
function actions(app) {
  const filter = Object.fromEntries(filtersOf(app));
  const button = (action, text) => h('button', {key: action, class: 'small', onclick: () => many(app, action, filter)}, text);
  if (!Object.keys(filter).every(name => BULK_FILTERS.includes(name))) {
    return null;
  }
  switch (filter.status) {
    case 'FAILED':
    case 'UNKNOWN':
      return button('retry', 'Send all of these again …');
    case 'PENDING':
      return button('cancel', 'Cancel all of these …');
    default:
      return null;
  }
}

// One message.

async function loadShown() {
  const mine = shown;
  try {
    mine.message = await call('GET', `api/v1/messages/${encodeURIComponent(mine.id)}`);
    mine.problem = null;
    list.items = list.items?.map(message => (message.id === mine.id ? mine.message : message)) ?? null;
  } catch (failure) {
    if (![400, 403, 404].includes(failure.status)) {
      throw failure;
    }
    mine.problem = failure;
  }
}

async function loadWhy() {
  const mine = shown;
  try {
    mine.why = await call('GET', `api/v1/messages/${encodeURIComponent(mine.id)}/why`);
  } catch (failure) {
    if (![400, 403, 404].includes(failure.status)) {
      throw failure;
    }
    mine.why = null;
  }
}

function close(app) {
  app.open('messages', '', app.place.query);
  const row = opener && document.getElementById(`row-${opener}`);
  (row ?? document.getElementById('title'))?.focus();
}

function drawer(app) {
  const {id, message, problem, why} = shown;
  return h('section', {class: 'card drawer', key: `drawer-${id}`, 'aria-labelledby': 'drawer-title', onkeydown: event => event.key === 'Escape' && close(app)},
    h('div', {class: 'row'},
      h('h2', {id: 'drawer-title', tabindex: '-1', mounted: title => title.focus()},
        message ? ['Message to ', h('span', {class: 'to'}, message.phoneNumber)] : 'Message'),
      h('span', {class: 'space'}),
      h('button', {class: 'small', onclick: () => close(app), 'aria-label': 'Close the message'}, '✕')),
    problem && h('div', {class: 'problem', role: 'alert', key: 'problem'}, h('strong', {}, problem.title), problem.lines.map(line => h('p', {}, line))),
    !message && !problem && h('p', {class: 'quiet', key: 'asking'}, 'Asking for the message …'),
    message && h('div', {class: 'message', key: 'message'},
      h('p', {'aria-live': 'polite'}, mark(message.status), ' ', h('span', {class: 'quiet'}, `${message.attempts} of ${message.maxAttempts} attempts used`)),
      h('blockquote', {class: 'text'}, message.content),
      h('div', {class: 'buttons'}, doing(app, message)),
      reasons(message, why),
      timeline(message),
      facts(message),
      curl(app, message)));
}

function doing(app, message) {
  const path = `api/v1/messages/${message.id}`;
  const retry = async () => {
    const sure = message.status !== 'UNKNOWN' || await ask({
      title: 'Send it again?', text: ['It may have been sent before: its receiver can get it twice.'], confirm: 'Send it again',
    });
    if (sure) {
      await changed(app, 'POST', `${path}/retry`, 'It is due now, with all its attempts.');
    }
  };
  const cancel = async () => {
    if (await ask({title: 'Cancel this message?', text: ['It will not be sent. This cannot be undone.'], confirm: 'Cancel the message', kind: 'danger'})) {
      await changed(app, 'DELETE', path, 'The message is cancelled.');
    }
  };
  return [
    ['FAILED', 'UNKNOWN'].includes(message.status) && h('button', {key: 'retry', class: 'primary', onclick: retry}, 'Send it again'),
    message.status === 'PENDING' && h('button', {key: 'cancel', class: 'danger', onclick: cancel}, 'Cancel the message'),
  ];
}

async function changed(app, method, path, words) {
  await app.call(method, path, {}, words);
  // The button that was pressed goes away.
  document.getElementById('drawer-title')?.focus();
  load(app, loadShown);
  load(app, loadWhy);
}

function reasons(message, why) {
  if (!why) {
    return null;
  }
  const ended = !['PENDING', 'SENDING'].includes(message.status);
  return h('section', {class: 'why', key: 'why', 'aria-labelledby': 'why-title'},
    h('h3', {id: 'why-title'}, ended ? 'How it ended' : 'Why it has not gone yet'),
    why.blockers.length === 0
      ? h('p', {}, 'Nothing holds it: the next claim takes it.')
      : h('ul', {}, why.blockers.map(blocker => h('li', {key: blocker.code},
          h('p', {}, h('code', {class: 'code'}, blocker.code), ' ', blocker.detail,
            circumstances(blocker)),
          blocker.action && h('p', {class: 'action'}, h('span', {'aria-hidden': 'true'}, '→ '), blocker.action)))));
}

/** "(since 13:05:22, by ops)" */
function circumstances({since, until, by}) {
  const parts = [since && ['since ', time(since)], until && ['until ', time(until), ', ', ago(until)], by && ['by ', by]].filter(Boolean);
  return parts.length > 0 && [' (', parts.flatMap((part, i) => (i > 0 ? [', ', ...part] : part)), ')'];
}

function timeline(message) {
  const {createdAt, sendAt, expiresAt, failedAttempts = [], sentAt, webhookMessageId, delivery, status, updatedAt} = message;
  const events = [
    {at: createdAt, kind: '', text: 'Accepted'},
    ...failedAttempts.map(attempt => ({
      at: attempt.at, kind: attempt.class === 'MAYBE_SENT' ? 'UNKNOWN' : 'FAILED',
      text: [`Attempt ${attempt.number}: ${CLASSES[attempt.class] ?? attempt.class}`, attempt.httpStatus && `, HTTP ${attempt.httpStatus}`,
        attempt.durationMs !== undefined && `, after ${attempt.durationMs} ms`],
      detail: attempt.error,
    })),
    sentAt && {at: sentAt, kind: 'SENT', text: 'Sent', detail: webhookMessageId && `the provider calls it ${webhookMessageId}`},
    ['FAILED', 'UNKNOWN', 'CANCELLED', 'EXPIRED'].includes(status) && {at: updatedAt, kind: status, text: status[0] + status.slice(1).toLowerCase()},
    delivery && {
      at: delivery.at ?? delivery.noticedAt, kind: delivery.status === 'DELIVERED' ? 'SENT' : 'FAILED',
      text: `Receipt: ${delivery.status.toLowerCase()}`, detail: [delivery.code, delivery.detail].filter(Boolean).join(': '),
    },
    sendAt && status === 'PENDING' && {at: sendAt, kind: '', text: 'Not before'},
    expiresAt && status === 'PENDING' && {at: expiresAt, kind: '', text: 'Expires'},
  ].filter(Boolean).sort((one, other) => Date.parse(one.at) - Date.parse(other.at) || 0);
  return h('section', {key: 'timeline', 'aria-labelledby': 'timeline-title'},
    h('h3', {id: 'timeline-title'}, 'What happened'),
    h('ol', {class: 'timeline'}, events.map(event => h('li', {class: event.kind},
      h('span', {class: 'quiet when'}, event.at ? time(event.at) : ''),
      h('span', {}, event.text, event.detail && h('span', {class: 'error'}, event.detail))))));
}

function facts(message) {
  const {id, reference, metadata = {}, createdAt, updatedAt, sendAt, expiresAt} = message;
  const rows = [
    ['id', h('code', {}, id)],
    reference && ['reference', reference],
    ...Object.entries(metadata),
    ['accepted', time(createdAt)],
    ['changed', time(updatedAt)],
    sendAt && ['not before', time(sendAt)],
    expiresAt && ['expires', time(expiresAt)],
  ].filter(Boolean);
  return h('dl', {key: 'facts'}, rows.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

function curl(app, message) {
  const header = getKey() ? ' -H "Authorization: Bearer $API_KEY"' : '';
  const command = `curl -s${header} ${url(`api/v1/messages/${message.id}`)}`;
  const copy = async event => {
    const text = event.target.closest('.curl').querySelector('code');
    try {
      await navigator.clipboard.writeText(command);
      app.notify('done', 'Copied. Set API_KEY in your shell: the key is not in it.');
    } catch {
      // Only pages that came over HTTPS, or from this machine, may write to the clipboard.
      getSelection().selectAllChildren(text);
      app.notify('failed', 'The browser does not let this page copy', ['The command is selected: press Ctrl+C, or Cmd+C on a Mac.']);
    }
  };
  return h('div', {class: 'curl', key: 'curl'}, h('code', {tabindex: '0', 'aria-label': 'The call as a command'}, command), h('button', {class: 'small', onclick: copy}, 'Copy as curl'));
}
