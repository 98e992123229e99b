import { render } from "preact";
import { App } from "./app";
import { createServices, ServicesProvider, start } from "./services";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/components.css";

const services = createServices();
start(services);

const root = document.getElementById("app");
if (root) {
  render(
    <ServicesProvider value={services}>
      <App />
    </ServicesProvider>,
    root,
  );
}
