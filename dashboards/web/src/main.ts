/** Starts the page. */
import "./style.css";

import { createPinia } from "pinia";
import { createApp } from "vue";

import App from "./App.vue";
import { i18n, language, setLanguage } from "./i18n";

setLanguage(language(), false);
createApp(App).use(createPinia()).use(i18n).mount("#app");
