/* Before dbt's own page: its files are relative to a folder, and the Content-Security-Policy allows styles only that
   carry this page's nonce or are set through the object model. What the page writes as text is turned into that. */
"use strict";
(() => {
  if (!location.pathname.endsWith("/")) {
    history.replaceState(null, "", `${location.pathname}/${location.search}${location.hash}`);
  }

  const nonce = document.currentScript.nonce;
  const createElement = Document.prototype.createElement;
  Document.prototype.createElement = function (name, ...rest) {
    const element = createElement.call(this, name, ...rest);
    if (String(name).toLowerCase() === "style") element.nonce = nonce;
    return element;
  };

  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    if (String(name).toLowerCase() === "style" && this.style) this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };

  const innerHTML = Object.getOwnPropertyDescriptor(Element.prototype, "innerHTML");
  Object.defineProperty(Element.prototype, "innerHTML", {
    ...innerHTML,
    set(html) {
      const allowed = String(html)
        .replace(/([\s"'])style\s*=\s*(?=["'])/g, "$1data-style=")
        .replace(/<style\b/g, `<style nonce="${nonce}"`);
      innerHTML.set.call(this, allowed);
      for (const element of this.querySelectorAll("[data-style]")) element.style.cssText = element.dataset.style;
    },
  });
})();
