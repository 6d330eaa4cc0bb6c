/** How the duty page is built, served while it is worked on, and tested. */
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

import { fakeApi } from "./dev/fake-api.ts";

/** `CSG_API=http://127.0.0.1:8080 npm run dev` works against a running gateway; without it a fake answers. */
const gateway = process.env["CSG_API"];

export default defineConfig({
  plugins: [vue(), ...(gateway || process.env["VITEST"] ? [] : [fakeApi()])],
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  server: {
    fs: { allow: ["../.."] }, // the words in gateway/locales
    ...(gateway ? { proxy: { "/api": { target: gateway, changeOrigin: true } } } : {}),
  },
  build: {
    target: "es2021",
    assetsInlineLimit: 0, // the page's content security policy allows nothing inline
    modulePreload: { polyfill: false },
  },
  test: {
    environment: "happy-dom",
    include: ["tests/**/*.test.ts"],
  },
});
