// Is it flowing, and what needs you?

import {call} from './api.js';
import {many} from './bulk.js';
import {chart} from './charts.js';
import {ask} from './dialog.js';
import {h} from './dom.js';
import {ago, clock, counted, duration, number, time} from './format.js';

const RANGES = [[60, 'the last hour'], [180, 'the last 3 hours'], [720, 'the last 12 hours'], [1440, 'the last day']];
const LATE = 60;

let activity = null;
let activityMissing = false;
let minutes = 180;

const TITLES = {
  DELIVERY_OFF: 'Delivery is off',
  UNKNOWN_MESSAGES: 'Messages that may have been sent',
  FAILED_RECENTLY: 'Messages have failed',
  CIRCUIT_OPEN: 'The provider is down',
  ROUTE_STOPPED: 'A route is stopped',
  LATE_BACKLOG: 'Messages are late',
  FLOWS_DIFFER: 'The nodes run different flows',
  FLOW_REFUSED: 'An edit of the flow was refused',
  NODE_GONE: 'A node is gone',
  NODE_PROBLEM: 'A node has a problem',
};

export function forget() {
  activity = null;
  activityMissing = false;
}

export function polls(app) {
  return activityMissing ? [] : [{name: `activity-${minutes}`, every: 10, run: () => loadActivity(app)}];
}

async function loadActivity() {
  const wanted = minutes;
  try {
    const answer = await call('GET', 'api/v1/messages/activity', {query: {minutes: wanted}});
    if (wanted === minutes) {
      activity = answer;
    }
  } catch (failure) {
    if (failure.status !== 404) {
      throw failure;
    }
    activityMissing = true;
  }
}

export function render(app) {
  return [
    h('h1', {id: 'title', class: 'unseen', tabindex: '-1'}, 'Overview'),
    strip(app),
    h('div', {class: 'columns'}, needs(app), curves(app)),
    nodes(app),
  ];
}

// The strip.

function strip(app) {
  const {scheduler, stats, nodes: list} = app.overview;
  return h('section', {class: 'strip', 'aria-label': 'At a glance'},
    scheduler && delivery(app, scheduler),
    stats && fact('Oldest due', stats.dueNow > 0 ? duration(stats.oldestDueAgeSeconds) : 'none',
      stats.dueNow > 0 && stats.oldestDueAgeSeconds > LATE ? 'warn' : '',
      stats.dueNow > 0 ? 'how long it has waited' : 'no message is due'),
    stats && fact('Due now', number(stats.dueNow), '', waiting(stats)),
    stats && fact('Empty in', ...drain(stats, scheduler)),
    list && fact('Nodes', ...nodesInWords(list)),
    stats && byStatus(stats));
}

function delivery(app, scheduler) {
  const {running, changedAt, changedBy, reason, nextBatchAt} = scheduler;
  return h('div', {class: `fact delivery ${running ? 'good' : 'bad'}`},
    h('h2', {}, 'Delivery'),
    h('p', {class: 'value'}, h('span', {'aria-hidden': 'true'}, running ? '● ' : '■ '), running ? 'On' : 'Off'),
    h('p', {}, 'since ', time(changedAt), ` (${ago(changedAt)})`, changedBy && `, by ${changedBy}`, reason && [': ', h('q', {}, reason)]),
    running && nextBatchAt && h('p', {}, `next batch ${ago(nextBatchAt)}`),
    running
      ? h('button', {key: 'stop', class: 'danger', onclick: () => stop(app)}, 'Stop delivery')
      : h('button', {key: 'start', class: 'primary', onclick: () => start(app)}, 'Start delivery'));
}

const fact = (name, value, kind, text) => h('div', {class: `fact ${kind}`},
  h('h2', {}, name), h('p', {class: 'value'}, value), h('p', {}, text));

function waiting({byStatus: counts, dueNow}) {
  const later = Math.max(0, (counts.PENDING ?? 0) - dueNow);
  return later > 0 ? `and ${number(later)} that wait for their time` : 'no other message waits';
}

function drain({dueNow, sentPerMinute}, scheduler) {
  if (dueNow === 0) {
    return ['now', '', 'nothing is due'];
  }
  if (scheduler && !scheduler.running) {
    return ['never', 'warn', 'delivery is off'];
  }
  if (sentPerMinute === 0) {
    return ['unknown', 'warn', 'none was sent in the last minute'];
  }
  return [`about ${duration(dueNow / sentPerMinute * 60)}`, '', `at ${number(sentPerMinute)} sent a minute`];
}

function nodesInWords(list) {
  const up = list.filter(node => node.status === 'UP' || node.status === 'DEGRADED');
  const ill = list.length - list.filter(node => node.status === 'UP').length;
  const flows = new Set(up.map(node => node.flow)).size;
  return [
    `${number(up.length)} up`,
    ill > 0 || flows > 1 ? 'warn' : '',
    [ill > 0 && `${number(ill)} with a problem`, up.length > 1 && (flows > 1 ? 'their flows differ' : 'all run the same flow')]
      .filter(Boolean).join('; ') || 'no problem',
  ];
}

function byStatus({byStatus: counts, delivery: receipts}) {
  const shown = ['PENDING', 'SENDING', 'SENT', 'FAILED', 'UNKNOWN', 'EXPIRED', 'CANCELLED'];
  return h('nav', {class: 'counts', 'aria-label': 'Messages by status'},
    shown.filter(status => counts[status] !== undefined).map(status =>
      h('a', {key: status, class: counts[status] > 0 ? `status ${status}` : 'status none', href: `#/messages?status=${status}`},
        h('span', {class: 'name'}, status.toLowerCase()), ' ', h('b', {}, number(counts[status])))),
    receipts && receipts.delivered + receipts.undelivered + receipts.missing > 0 && h('span', {class: 'quiet', key: 'receipts'},
      `receipts: ${number(receipts.delivered)} delivered, ${number(receipts.undelivered)} not, ${number(receipts.missing)} missing`));
}

async function stop(app) {
  const answer = await ask({
    title: 'Stop delivery on every node?',
    text: ['Messages are still accepted, and wait. Those that are being sent finish. It stays off until somebody starts it.'],
    fields: [{name: 'reason', label: 'Why? Others will read it.'}],
    confirm: 'Stop delivery',
    kind: 'danger',
  });
  if (answer) {
    await app.call('POST', 'api/v1/scheduler/stop', {body: answer.reason ? {reason: answer.reason} : undefined}, 'Delivery is off on every node.');
  }
}

const start = app => app.call('POST', 'api/v1/scheduler/start', {}, 'Delivery is on, on every node.');

// What needs you.

function needs(app) {
  const list = app.overview.needs;
  return list && h('section', {class: 'card needs', 'aria-labelledby': 'needs-title'},
    h('h2', {id: 'needs-title'}, 'Needs you'),
    list.length === 0
      ? h('p', {class: 'fine'}, h('span', {'aria-hidden': 'true'}, '✓ '), 'Nothing needs you.')
      : h('ol', {}, list.map(need => one(app, need))));
}

function one(app, need) {
  return h('li', {key: [need.code, need.node, need.route].join(' ')},
    h('h3', {}, TITLES[need.code] ?? need.code.toLowerCase().replaceAll('_', ' '),
      need.count > 0 && h('span', {class: 'badge'}, number(need.count))),
    h('p', {}, need.detail, need.since && [' Since ', time(need.since), ` (${ago(need.since)}).`]),
    need.reasons?.length > 0 && h('ul', {class: 'reasons'}, need.reasons.map(reason =>
      h('li', {key: reason.error}, h('b', {}, number(reason.messages)), ' ', h('span', {class: 'error'}, reason.error),
        h('button', {class: 'small', onclick: () => many(app, 'retry', {status: 'FAILED', error: reason.error})}, 'Send again …')))),
    need.action && h('p', {class: 'quiet'}, need.action),
    h('div', {class: 'buttons'}, buttons(app, need)));
}

function buttons(app, need) {
  const button = (text, onclick) => h('button', {key: text, class: 'small', onclick}, text);
  const link = (text, href) => h('a', {key: text, class: 'button small', href}, text);
  switch (need.code) {
    case 'DELIVERY_OFF':
      return [button('Start delivery', () => start(app))];
    case 'UNKNOWN_MESSAGES':
      return [link('Show them', '#/messages?status=UNKNOWN'), button('Send them again …', () => many(app, 'retry', {status: 'UNKNOWN'}))];
    case 'FAILED_RECENTLY':
      return [link('Show them', '#/messages?status=FAILED'), button('Send all again …', () => many(app, 'retry', {status: 'FAILED'}))];
    case 'LATE_BACKLOG':
    case 'CIRCUIT_OPEN':
      return [link('Show what waits', '#/messages?status=PENDING')];
    case 'ROUTE_STOPPED':
      return need.route && (!need.node || need.node === app.overview.node?.name)
        ? [button(`Start ${need.route}`, () => startRoute(app, need.route))]
        : [h('span', {class: 'quiet'}, 'Only that node\'s own page can start it.')];
    case 'FLOWS_DIFFER':
    case 'FLOW_REFUSED':
      return [link('Show the flow', '#/flow')];
    default:
      return [];
  }
}

const startRoute = (app, route) =>
  app.call('POST', `api/v1/routes/${encodeURIComponent(route)}/start`, {}, `Route ${route} is started on this node.`);

// The curves.

function curves(app) {
  if (activityMissing) {
    return null;
  }
  const range = RANGES.find(([length]) => length === minutes)[1];
  return h('section', {class: 'card curves', 'aria-labelledby': 'curves-title'},
    h('div', {class: 'row'},
      h('h2', {id: 'curves-title'}, 'Messages a minute'),
      h('label', {class: 'unseen', for: 'range'}, 'Time shown'),
      h('select', {id: 'range', value: String(minutes), onchange: event => {
        minutes = Number(event.target.value);
        app.refresh();
      }}, RANGES.map(([length, text]) => h('option', {value: String(length)}, text)))),
    activity ? drawn(activity, range) : h('p', {class: 'quiet'}, 'Asking for the counts …'));
}

function drawn({from, stepSeconds, accepted, sent, failed, unknown}, range) {
  const start = Date.parse(from) / 1000;
  const times = sent.map((value, i) => start + i * stepSeconds);
  const sum = values => values.reduce((total, value) => total + value, 0);
  const most = Math.max(0, ...sent);
  return [
    chart('flowing', [{label: 'accepted', color: '--accepted', dash: 1}, {label: 'sent', color: '--sent', dash: 0}], [times, accepted, sent]),
    chart('failing', [{label: 'failed', color: '--failed', dash: 2}, {label: 'unknown', color: '--unknown', dash: 3}], [times, failed, unknown]),
    h('details', {key: 'text'},
      h('summary', {}, 'The same in words and numbers'),
      h('p', {}, `In ${range}: ${number(sum(accepted))} accepted, ${number(sum(sent))} sent, ${number(sum(failed))} failed, ${number(sum(unknown))} unknown.`,
        most > 0 && ` The most sent in one minute: ${number(most)}.`),
      table(times, stepSeconds, {accepted, sent, failed, unknown})),
  ];
}

/** Twelve rows at most, whatever the range. */
function table(times, stepSeconds, series) {
  const size = Math.ceil(times.length / 12);
  const rows = [];
  for (let i = 0; i < times.length; i += size) {
    const cells = Object.values(series).map(values => values.slice(i, i + size).reduce((total, value) => total + value, 0));
    rows.push(h('tr', {key: times[i]}, h('th', {scope: 'row'}, clock(new Date(times[i] * 1000).toISOString())), cells.map(cell => h('td', {}, number(cell)))));
  }
  return h('table', {},
    h('caption', {}, `Messages in each ${duration(size * stepSeconds)}`),
    h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'from'), Object.keys(series).map(name => h('th', {scope: 'col'}, name)))),
    h('tbody', {}, rows));
}

// The nodes.

function nodes(app) {
  const list = app.overview.nodes;
  return list?.length > 0 && h('section', {class: 'card', 'aria-labelledby': 'nodes-title'},
    h('h2', {id: 'nodes-title'}, 'Nodes'),
    h('ul', {class: 'nodes'}, list.map(node => h('li', {key: node.name},
      h('span', {class: `pill ${{UP: 'good', DEGRADED: 'warn'}[node.status] ?? 'bad'}`}, node.status),
      ' ', h('b', {}, node.name), node.name === app.overview.node?.name && ' (this one)',
      h('span', {class: 'quiet'}, ` version ${node.version}, flow `, h('code', {}, (node.flow ?? '').slice(0, 12)),
        node.startedAt && [', started ', time(node.startedAt)], node.status === 'GONE' && node.seenAt && [', last seen ', time(node.seenAt)]),
      node.problems?.length > 0 && h('ul', {}, node.problems.map(problem => h('li', {}, problem)))))),
    h('p', {class: 'quiet'}, list.length === 1 ? '' : `${counted(list.length, 'node')} on this database.`));
}
