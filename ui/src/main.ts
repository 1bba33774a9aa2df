import { mount } from 'svelte';
import App from './App.svelte';
import { connect } from './backend';
import { desk } from './state/desk.svelte';
import { importing } from './state/importing.svelte';
import { route } from './state/route.svelte';
import './styles/tokens.css';
import './styles/base.css';

await connect();
route.start();
importing.start();
// Settings first, so that language and theme do not change under the person's eyes.
await desk.start();
const target = document.getElementById('app');
if (target !== null) mount(App, { target });
