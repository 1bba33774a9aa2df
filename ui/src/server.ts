import { mount } from 'svelte';
import { connectServer } from './backend';
import Console from './Console.svelte';
import { look } from './state/look.svelte';
import { route } from './state/route.svelte';
import './styles/tokens.css';
import './styles/base.css';

const door = connectServer();
route.start('admin');
look.start();
const target = document.getElementById('app');
if (target !== null) mount(Console, { target, props: { door } });
