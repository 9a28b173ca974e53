// Makes whatever scrolls sideways reachable by keyboard: code blocks and wide tables.
"use strict";

(() => {
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
