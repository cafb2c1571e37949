import { defineConfig } from 'vite';

// To the browser page and API are one origin, as they should be in production: no CORS, and cookies that are SameSite.
const target = process.env.BALANCE_URL ?? 'http://127.0.0.1:4000';
const proxy = { '/graphql': { target, ws: true }, '/api': { target } };

export default defineConfig({ server: { proxy }, preview: { proxy } });
