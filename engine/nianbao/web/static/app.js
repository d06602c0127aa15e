// The page works without this file; with it, files can be dropped, the list filters at once, cells say what
// is wrong with them, and what changes on the disk shows by itself.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const PER_REQUEST = 20, BYTES_PER_REQUEST = 24 << 20;

  // What is said at the foot of the page.
  let quiet;
  function say(text, bad = false) {
    const says = $("#says");
    says.textContent = text;
    says.classList.toggle("is-bad", bad);
    clearTimeout(quiet);
    if (text) quiet = setTimeout(() => { says.textContent = ""; }, bad ? 12000 : 5000);
  }

  async function post(address, body) {
    const answer = await fetch(address, { method: "POST", body, headers: { accept: "application/json" } });
    const data = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(data.error?.message || "没有完成，请重试");
    return data;
  }

  // Fresh content of the same page, the reader's place kept.
  let refreshing = Promise.resolve();
  function refresh() {
    refreshing = refreshing.then(async () => {
      const answer = await fetch(location.pathname + location.search, { headers: { accept: "text/html" } });
      if (!answer.ok && answer.status !== 404) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = $("#content", page), old = $("#content");
      if (!fresh || fresh.dataset.state === old.dataset.state) return;
      const focused = document.activeElement && document.activeElement !== document.body ? {
        id: document.activeElement.id, href: document.activeElement.getAttribute("href"),
        at: document.activeElement.selectionStart,
      } : null;
      const open = $$("details[open]", old).map((details) => details.className);
      const chosen = $(".figure.is-chosen", old)?.getAttribute("href");
      hideTip();
      old.replaceWith(document.adoptNode(fresh));
      document.title = page.title;
      for (const name of open) $$("details", fresh).filter((d) => d.className === name).forEach((d) => { d.open = true; });
      begin();
      const figure = chosen && $(`.whole a.figure[href="${CSS.escape(chosen)}"]`);
      if (figure) showMembers(figure, false);
      if (focused) {
        const again = (focused.id && document.getElementById(focused.id))
          || (focused.href && $(`a[href="${CSS.escape(focused.href)}"]`));
        again?.focus({ preventScroll: true });
        if (again && focused.at != null && again.setSelectionRange) again.setSelectionRange(focused.at, focused.at);
      }
    }).catch(() => {});
    return refreshing;
  }

  // Uploads.
  async function upload(files, part = "current") {
    files = files.filter((file) => !/^(~\$|\.)/.test(file.name));
    if (!files.length) return;
    const notes = [];
    let done = 0;
    try {
      while (done < files.length) {
        const form = new FormData();
        form.append("part", part);
        let count = 0, bytes = 0;
        while (done + count < files.length && count < PER_REQUEST
               && (count === 0 || bytes + files[done + count].size < BYTES_PER_REQUEST)) {
          bytes += files[done + count].size;
          form.append("files", files[done + count]);
          count += 1;
        }
        say(`正在读取和核对：${done + count}／${files.length}个文件…`);
        notes.push(...((await post("/files", form)).notes || []));
        done += count;
      }
      await refresh();
      say(notes.length === 1 ? notes[0] : notes.length ? `已替换${notes.length}个同名文件` : `已核对${files.length}个文件`);
    } catch (error) {
      await refresh();
      say(error.message || "上传没有完成，请重试", true);
    }
  }

  async function filesOf(transfer) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
    const found = [];
    async function walk(entry) {
      if (entry.isFile) found.push(await new Promise((yes, no) => entry.file(yes, no)));
      else {
        const reader = entry.createReader();
        for (;;) {
          const part = await new Promise((yes, no) => reader.readEntries(yes, no));
          if (!part.length) break;
          for (const inner of part) await walk(inner);
        }
      }
    }
    for (const entry of entries) await walk(entry);
    return found;
  }

  let depth = 0;
  const carriesFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  addEventListener("dragenter", (event) => { if (carriesFiles(event)) { depth += 1; $("#drop").hidden = false; } });
  addEventListener("dragleave", (event) => {
    if (carriesFiles(event) && (depth -= 1) <= 0) { depth = 0; $("#drop").hidden = true; }
  });
  addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
  addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    $("#drop").hidden = true;
    upload(await filesOf(event.dataTransfer));
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("form[data-upload]");
    if (!form || event.target.type !== "file") return;
    const files = [...event.target.files];
    event.target.value = "";
    upload(files, form.elements.part.value);
  });
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.matches("[data-post]")) {
      event.preventDefault();
      try { await post(form.getAttribute("action"), new URLSearchParams()); await refresh(); }
      catch (error) { say(error.message, true); }
    }
    if (form.matches(".export")) {
      form.elements.ids.value = $$("#rows tr").filter((row) => !row.hidden).map((row) => row.dataset.id).join(",");
    }
  });

  // The list: filtered and ordered here, over rows that are all there.
  const memory = {
    get(name) { try { return JSON.parse(sessionStorage.getItem(name)) || {}; } catch { return {}; } },
    set(name, value) { try { sessionStorage.setItem(name, JSON.stringify(value)); } catch { /* a page without storage */ } },
  };
  function beginList() {
    const list = $("[data-list]");
    if (!list) return;
    const search = $("#search"), category = $("#category"), order = $("#order"), body = $("#rows");
    const name = list.dataset.list || "list", kept = memory.get(name);
    const unit = list.dataset.unit || "份", what = list.dataset.what || "报告";
    search.value = kept.search || "";
    order.value = kept.order || "rank";
    if (category) category.value = [...category.options].some((o) => o.value === kept.category) ? kept.category : "";
    let status = kept.status || "";
    const rows = $$("tr", body).map((row) => ({ row, ...row.dataset, text: row.textContent.toLowerCase() }));
    let sorted = "rank";
    function apply() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const item of rows) {
        const shown = (!status || item.status === status) && (!category?.value || item.category === category.value)
          && words.every((word) => item.text.includes(word));
        item.row.hidden = !shown;
        count += shown;
      }
      if (sorted !== order.value) {
        sorted = order.value;
        rows.sort((a, b) => a[sorted] - b[sorted]);
        body.append(...rows.map((item) => item.row));
      }
      for (const button of $$("[data-status]", $(".counts"))) {
        button.setAttribute("aria-pressed", String(button.dataset.status === status));
      }
      const text = count === rows.length ? `共${count}${unit}${what}` : `列出${count}${unit}，共${rows.length}${unit}${what}`;
      if ($("#shown").textContent !== text) $("#shown").textContent = text;
      $("#nothing").hidden = count > 0;
      memory.set(name, { search: search.value, category: category?.value || "", order: order.value, status });
    }
    for (const button of $$(".count", list)) {
      button.addEventListener("click", () => { status = button.dataset.status; apply(); });
    }
    search.addEventListener("input", apply);
    category?.addEventListener("change", apply);
    order.addEventListener("change", apply);
    $("#reset").addEventListener("click", () => {
      status = search.value = "";
      if (category) category.value = "";
      apply();
      search.focus();
    });
    body.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || !event.target.matches("a")) return;
      const links = $$("tr:not([hidden]) th a", body);
      const next = links[links.indexOf(event.target) + step];
      if (next) { event.preventDefault(); next.focus(); }
    });
    search.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "Enter") {
        event.preventDefault();
        $("tr:not([hidden]) th a", body)?.focus();
      }
    });
    apply();
  }

  // A marked cell says what is wrong with it: on hover, tap, or with the keyboard.
  function hideTip() {
    $("#tip").hidden = true;
    for (const element of $$(".is-current")) element.classList.remove("is-current");
  }
  function showTip(cell) {
    hideTip();
    const tip = $("#tip");
    tip.replaceChildren();
    for (const number of cell.dataset.notes.split(" ")) {
      const note = $(`#n${number}`);
      if (!note) continue;
      note.classList.add("is-current");
      const line = document.createElement("p"), word = document.createElement("b");
      word.textContent = `${$(".tag", note).textContent}：`;
      line.append(word, $(".message", note).textContent, $(".more", note) ? `（${$(".more", note).textContent.trim()}）` : "");
      tip.append(line);
    }
    if (!tip.childElementCount) return;
    tip.style.setProperty("left", "0px");  // at the edge it would be measured too narrow
    tip.hidden = false;
    const box = cell.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left + box.width / 2 - own.width / 2), document.documentElement.clientWidth - own.width - 8);
    const below = box.bottom + 8 + own.height < innerHeight || box.top < own.height + 8;
    tip.style.setProperty("left", `${left + scrollX}px`);
    tip.style.setProperty("top", `${(below ? box.bottom + 8 : box.top - own.height - 8) + scrollY}px`);
  }
  const markOf = (target) => target.closest?.(".paper .mark");
  document.addEventListener("pointerover", (event) => { const mark = markOf(event.target); if (mark) showTip(mark); });
  document.addEventListener("pointerout", (event) => {
    if (markOf(event.target) && !markOf(event.relatedTarget || document.body)) hideTip();
  });
  document.addEventListener("focusin", (event) => { const mark = markOf(event.target); if (mark) showTip(mark); });
  document.addEventListener("focusout", (event) => { if (markOf(event.target)) hideTip(); });
  document.addEventListener("click", (event) => {
    const mark = markOf(event.target);
    if (mark) showTip(mark);
    const link = event.target.closest?.("a[data-jump]");
    if (link) {
      const cell = document.getElementById(link.hash.slice(1));
      if (!cell) return;
      event.preventDefault();
      if (location.hash !== link.hash) history.pushState(null, "", link.hash);
      showReport();
      cell.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      cell.focus({ preventScroll: true });
    }
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
  addEventListener("resize", () => {
    if ($("#tip").hidden) return;
    const mark = markOf(document.activeElement);
    if (mark) showTip(mark); else hideTip();
  });

  // The pages as they will be printed, made when they are wanted.
  function showReport() {
    const button = $("#paper");
    if (!button || button.getAttribute("aria-expanded") !== "true") return;
    $("#sheets").hidden = true;
    $("#report").hidden = false;
    button.setAttribute("aria-expanded", "false");
    button.textContent = "按打印样式看";
  }
  function beginPaper() {
    const button = $("#paper");
    button?.addEventListener("click", async () => {
      if (button.getAttribute("aria-expanded") === "true") { showReport(); return; }
      button.disabled = true;
      say("正在排版，需要几秒钟…");
      try {
        const answer = await fetch(button.dataset.pages, { headers: { accept: "application/json" } });
        const data = await answer.json();
        if (!answer.ok) throw new Error(data.error.message);
        $("#sheets").replaceChildren(...Array.from({ length: data.pages }, (_, n) => {
          const image = document.createElement("img");
          image.src = `${button.dataset.pages}/${n + 1}.png`;
          image.alt = `第${n + 1}页，共${data.pages}页`;
          image.width = 1190;
          image.height = 1684;
          image.loading = "lazy";
          return image;
        }));
        $("#sheets").hidden = false;
        $("#report").hidden = true;
        button.setAttribute("aria-expanded", "true");
        button.textContent = "看核对结果";
        say("");
      } catch (error) { say(error.message || "没有排出，请重试", true); }
      button.disabled = false;
    });
  }

  // A figure of the whole: who is behind it opens beside the report, or from below on a small screen.
  async function showMembers(link, keyboard) {
    const panel = $("#panel");
    try {
      const answer = await fetch(link.getAttribute("href"), { headers: { accept: "text/html" } });
      if (!answer.ok) throw new Error("没有读到这个数字的来源，请重试");
      const fresh = $("#members", new DOMParser().parseFromString(await answer.text(), "text/html"));
      const close = document.createElement("button");
      close.type = "button";
      close.className = "plain close";
      close.textContent = "关闭";
      close.addEventListener("click", () => hideMembers(true));
      $("header", fresh).prepend(close);
      $("#members").replaceWith(document.adoptNode(fresh));
      for (const other of $$(".figure.is-chosen")) { other.classList.remove("is-chosen"); other.removeAttribute("aria-current"); }
      link.classList.add("is-chosen");
      link.setAttribute("aria-current", "true");
      panel.classList.add("is-open");
      panel.scrollTop = 0;
      if (keyboard) $("#place").focus({ preventScroll: true });
    } catch (error) { say(error.message, true); }
  }
  function hideMembers(back) {
    const current = $(".figure.is-chosen"), panel = $("#panel");
    if (!panel?.classList.contains("is-open")) return;
    panel.classList.remove("is-open");
    current?.classList.remove("is-chosen");
    current?.removeAttribute("aria-current");
    if (back) current?.focus();
  }
  document.addEventListener("click", (event) => {
    if (!$("#panel") || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const cell = event.target.closest?.(".whole td, .whole p");
    const link = event.target.closest?.("a.figure") || (cell?.matches("td") && $("a.figure", cell));
    if (!link) return;
    event.preventDefault();
    showMembers(link, event.detail === 0);
  });
  // Arrows go from figure to figure as the eye does: along the row, or to the nearest one above or below.
  const middle = (box) => box.left + box.width / 2;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hideMembers(true);
    const here = event.target.closest?.(".whole a.figure");
    if (!here || !event.key.startsWith("Arrow")) return;
    const all = $$(".whole a.figure"), box = here.getBoundingClientRect();
    let next;
    if (event.key === "ArrowRight") next = all[all.indexOf(here) + 1];
    else if (event.key === "ArrowLeft") next = all[all.indexOf(here) - 1];
    else {
      const down = event.key === "ArrowDown" ? 1 : -1;
      const ahead = all.map((link) => ({ link, to: link.getBoundingClientRect() }))
        .filter(({ to }) => (to.top - box.top) * down > 4);
      const row = Math.min(...ahead.map(({ to }) => (to.top - box.top) * down));
      next = ahead.filter(({ to }) => (to.top - box.top) * down < row + 4)
        .sort((a, b) => Math.abs(middle(a.to) - middle(box)) - Math.abs(middle(b.to) - middle(box)))[0]?.link;
    }
    if (next) { event.preventDefault(); next.focus(); }
  });
  document.addEventListener("change", (event) => { event.target.closest?.("form[data-auto]")?.requestSubmit(); });

  // A link from the whole to a cell of a member's report.
  function beginAim() {
    const path = location.hash.match(/^#field=([\w.]+)$/)?.[1];
    const cell = path && $(`.paper [data-field="${CSS.escape(path)}"]`);
    if (!cell) return;
    cell.classList.add("aimed");
    cell.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    if (!cell.hasAttribute("tabindex")) cell.tabIndex = -1;
    cell.focus({ preventScroll: true });
  }

  // A text for another program: copied, or at least selected.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(field.value);
      say("已复制，可以粘贴到邮件里");
    } catch {
      field.focus();
      field.select();
      say("已选中全文，请按 Ctrl+C 复制");
    }
  });

  function begin() { beginList(); beginPaper(); beginAim(); }
  begin();

  // What changed on the server, by another tab or on the disk.
  const events = new EventSource("/events");
  events.addEventListener("message", (event) => {
    if (event.data !== $("#content").dataset.state) refresh();
  });
  let lost;
  events.addEventListener("open", () => { clearTimeout(lost); lost = undefined; });
  events.addEventListener("error", () => {
    lost ??= setTimeout(() => say("程序好像已经关闭，请重新运行后用新的网址打开", true), 4000);
  });
  addEventListener("pagehide", () => events.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
