// The routes as a picture and as a list, the files they come from, and the last reload.

import {Failure, call, fault} from './api.js';
import {ask} from './dialog.js';
import {h} from './dom.js';
import {ago, counted, number, time} from './format.js';
import {picture} from './graph.js';

let routes = null;
let flow = null;
let chosen = '';
let withApi = false;
let checked = null;
let checking = false;

export function forget() {
  routes = null;
  flow = null;
  checked = null;
}

export function polls() {
  return [
    {name: 'routes', every: 2, run: async () => {
      routes = (await call('GET', 'api/v1/routes')).items;
    }},
    {name: 'flow', every: 10, run: async () => {
      flow = await call('GET', 'api/v1/flow');
    }},
  ];
}

export function render(app) {
  return [
    h('h1', {id: 'title', class: 'unseen', tabindex: '-1'}, 'Flow'),
    routes ? pictured(app) : h('p', {class: 'quiet', key: 'asking'}, 'Asking for the routes …'),
    flow && files(app),
  ];
}

function pictured(app) {
  const shown = routes.filter(route => withApi || !ofApi(route) || route.state !== 'Started');
  const route = routes.find(each => each.id === chosen);
  return h('section', {class: 'card', key: 'picture', 'aria-labelledby': 'routes-title'},
    h('div', {class: 'row'},
      h('h2', {id: 'routes-title'}, 'Routes of this node'),
      h('span', {class: 'quiet'}, 'an arrow is a call from route to route; the counters begin with the node\'s start'),
      h('span', {class: 'space'}),
      h('label', {class: 'check'}, h('input', {type: 'checkbox', checked: withApi, onchange: event => {
        withApi = event.target.checked;
        app.render();
      }}), 'with the API\'s')),
    picture(shown, chosen, id => {
      chosen = chosen === id ? '' : id;
      app.render();
      document.getElementById('route')?.scrollIntoView({block: 'nearest'});
    }, app.render),
    route ? detail(app, route) : h('p', {class: 'quiet', key: 'none'}, 'Choose a route to see more of it, and to stop or start it.'));
}

const ofApi = route => route.group === 'api' || route.id === 'api';

function detail(app, route) {
  const path = `api/v1/routes/${encodeURIComponent(route.id)}`;
  const stop = async () => {
    const sure = await ask({
      title: `Stop route ${route.id} on this node?`,
      text: [route.description, 'What it has in flight finishes. Other nodes go on. It stays stopped until you start it or the node restarts.'],
      confirm: 'Stop the route', kind: 'danger',
    });
    if (sure) {
      await app.call('POST', `${path}/stop`, {}, `Route ${route.id} is stopped on this node.`);
    }
  };
  return h('div', {id: 'route', class: 'route', key: `route-${route.id}`, 'aria-live': 'polite'},
    h('h3', {}, route.id),
    h('p', {}, route.description),
    h('p', {}, h('span', {class: `pill ${route.state === 'Started' ? 'good' : 'bad'}`}, route.state), ' ',
      h('span', {class: 'quiet'}, [
        `${number(route.exchangesTotal)} done, ${number(route.exchangesFailed)} failed, ${number(route.exchangesInflight)} under way`,
        route.meanProcessingMs !== undefined && `${number(route.meanProcessingMs)} ms each`,
        route.lastExchangeAt && `the last ${ago(route.lastExchangeAt)}`,
        route.group && `group ${route.group}`,
        route.input && `from ${route.input}`,
        flow?.files.filter(file => file.routes.includes(route.id)).map(file => file.file).join(', '),
      ].filter(Boolean).join(' · '))),
    h('div', {class: 'buttons'}, ofApi(route)
      ? h('p', {class: 'quiet'}, 'This page needs the API\'s routes: stop one over JMX.')
      : route.state === 'Started'
        ? h('button', {key: 'stop', class: 'danger', onclick: stop}, 'Stop the route …')
        : h('button', {key: 'start', class: 'primary', onclick: () => app.call('POST', `${path}/start`, {}, `Route ${route.id} is started on this node.`)}, 'Start the route')));
}

// The files.

function files(app) {
  const {lastReload} = flow;
  return h('section', {class: 'card', key: 'files', 'aria-labelledby': 'files-title'},
    h('div', {class: 'row'},
      h('h2', {id: 'files-title'}, 'Files'),
      h('span', {class: 'quiet'}, 'the whole flow is ', h('code', {}, flow.digest.slice(0, 12)), '; nodes with the same one run the same'),
      h('span', {class: 'space'}),
      h('button', {disabled: checking, onclick: () => check(app)}, checking ? 'Checking …' : 'Check the files on disk')),
    checked && result(app),
    lastReload && h('div', {key: 'last', class: lastReload.done ? 'last' : 'last problem'},
      h('p', {}, h('strong', {}, lastReload.done ? 'The last reload went well' : 'The last reload was refused'),
        ' at ', time(lastReload.at), ` (${ago(lastReload.at)}). ${lastReload.by} asked for it.`,
        lastReload.done ? lastReload.changed.length > 0 && ` Swapped: ${lastReload.changed.join(', ')}.` : ' The flow goes on as it was before.'),
      lastReload.faults?.length > 0 && h('ul', {}, lastReload.faults.map(each => h('li', {}, fault(each))))),
    h('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Files of the flow', key: 'table'},
      h('table', {class: 'files'},
        h('thead', {}, h('tr', {}, ['file', 'digest', 'loaded', 'routes'].map(head => h('th', {scope: 'col'}, head)))),
        h('tbody', {}, flow.files.map(file => h('tr', {key: file.file},
          h('th', {scope: 'row'}, file.file), h('td', {}, h('code', {}, file.digest.slice(0, 12))),
          h('td', {}, time(file.loadedAt)), h('td', {}, file.routes.join(', '))))))));
}

async function check(app) {
  checking = true;
  app.render();
  try {
    const {changed} = await call('POST', 'api/v1/flow/check', {seconds: 70});
    checked = {changed};
  } catch (failure) {
    checked = {failure: failure instanceof Failure ? failure : new Failure(0, {title: String(failure)})};
  }
  checking = false;
  app.render();
}

function result(app) {
  const {changed, failure} = checked;
  if (failure) {
    return h('div', {class: 'problem', role: 'alert', key: 'result'}, h('strong', {}, failure.title), h('ul', {}, failure.lines.map(line => h('li', {}, line))));
  }
  if (changed.length === 0) {
    return h('p', {class: 'fine', role: 'status', key: 'result'}, h('span', {'aria-hidden': 'true'}, '✓ '), 'The files on disk are what runs.');
  }
  return h('div', {class: 'fine', role: 'status', key: 'result'},
    h('p', {}, h('span', {'aria-hidden': 'true'}, '✓ '), `The files on disk can run. ${counted(changed.length, 'file')} would be swapped: ${changed.join(', ')}.`),
    h('button', {onclick: () => reload(app)}, 'Reload them on this node …'));
}

async function reload(app) {
  const sure = await ask({
    title: 'Reload the flow on this node?',
    text: [`These are swapped: ${checked.changed.join(', ')}.`, 'What is in flight ends on the old flow. Reload each other node too.'],
    confirm: 'Reload',
  });
  if (sure) {
    checked = null;
    await app.call('POST', 'api/v1/flow/reload', {}, ({changed}) => `The node runs the new flow: ${counted(changed.length, 'file')} swapped.`);
  }
}
