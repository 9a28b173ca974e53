// Lets long names in tables break where a reader would break them, keeps short names and figures with
// their units on one line, and makes whatever scrolls sideways reachable by keyboard: code blocks and
// wide tables.
"use strict";

(() => {
    for (const code of document.querySelectorAll("main td code")) {
        const parts = code.textContent.split(code.closest(".promises") ? /(?<=_)/ : /(?<=::|\()/);
        if (code.childElementCount === 0 && parts.length > 1) {
            code.replaceChildren(...parts.flatMap((part) => [document.createElement("wbr"), part]).slice(1));
        }
    }

    for (const code of document.querySelectorAll("main p code, main li code")) {
        if (code.textContent.length <= 20 && !code.closest("pre")) {
            code.style.whiteSpace = "nowrap";
        }
    }
    for (const text of document.querySelectorAll("main p, main li")) {
        for (const node of text.childNodes) {
            if (node.nodeType === Node.TEXT_NODE) {
                node.data = node.data.replace(/(\d) (?=(?:[nµm]?s|[KMGk]i?B|bytes?)\b)/g, "$1\u00a0");
            }
        }
    }

    const scrollers = document.querySelectorAll("main pre, main pre > code, main .table-wrapper");

    function update() {
        for (const box of scrollers) {
            if (box.scrollWidth > box.clientWidth) {
                box.tabIndex = 0;
            } else {
                box.removeAttribute("tabindex");
            }
        }
    }

    update();
    window.addEventListener("resize", update);
    document.fonts.ready.then(update);
})();
