"use strict";
// The search over the pages of a transcript. It loads scripts that lie beside it, and nothing from anywhere else.
(function () {
  var rooms = [], shards = {}, loading = {}, chunks = {}, texts = {}, current = "", results = [], shown = 0, terms = [], run = 0;
  var STEP = 50, FILL = 1048576;
  var state = document.getElementById("state"), list = document.getElementById("found");
  var more = document.getElementById("more"), input = document.getElementById("words"), choice = document.getElementById("room");

  function say(text) { state.textContent = text; }

  window.R = function (all, names) {
    rooms = all;
    names.forEach(function (name) { shards[name] = true; });
    rooms.forEach(function (room, at) {
      var option = document.createElement("option");
      option.value = String(at);
      option.textContent = visible(room[1]);
      choice.appendChild(option);
    });
    say(rooms.length ? "Type words and press Enter." : "There are no pages to search.");
    var asked = decodeURIComponent(location.hash.slice(1));
    if (asked) { input.value = asked; search(); }
  };
  // Words of a page: the number of its room, its own, and the words with the places of their events.
  window.P = function (room, page, words) { chunks[current].push([room, page, words]); };
  // Texts of a page.
  window.T = function (name, people, events) { texts[name] = { people: people, events: events }; };

  // Scripts run one after another, so `current` tells whose words come in.
  var queue = Promise.resolve();
  function script(path, before) {
    if (!loading[path]) {
      loading[path] = queue = queue.catch(function () {}).then(function () {
        return new Promise(function (resolve, reject) {
          if (before) { before(); }
          var element = document.createElement("script");
          element.src = path;
          element.onload = resolve;
          element.onerror = function () {
            delete loading[path];
            reject(new Error("This browser would not load " + path + ". It forbids scripts of pages that lie in a folder, or the file is missing."));
          };
          document.head.appendChild(element);
        });
      });
    }
    return loading[path];
  }

  // Accents and points that searches ignore, and what only changes looks.
  var IGNORED = "\\u0300-\\u036f\\u0591-\\u05c7\\u064b-\\u065f\\u0670\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u20d0-\\u20ff\\ufe20-\\ufe2f\\u00ad\\u0640";
  var LEFT_OUT = new RegExp("[" + IGNORED + "]", "g");

  // The rules of words, as far as a browser has them: no case, no compatibility forms, marks kept; scripts without spaces
  // give each character.
  function words(text) {
    var out = [];
    var low = text.normalize("NFKD").toLowerCase().toUpperCase().toLowerCase().normalize("NFKD").replace(LEFT_OUT, "");
    var found = low.match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*\*?|\p{So}/gu) || [];
    found.forEach(function (word) {
      var parts = word.normalize("NFC").match(/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]|\p{So}|[^\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]+/gu) || [];
      parts.forEach(function (part) {
        if (part === "*") { return; }
        var star = part.slice(-1) === "*";
        var plain = star ? part.slice(0, -1) : part;
        var alone = /^[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]$/u.test(plain);
        var folded = alone ? plain : Array.from(plain.normalize("NFKD")).slice(0, 64).join("");
        if (folded) { out.push([folded, star]); }
      });
    });
    return out;
  }

  function shard(word) {
    return /^[a-z0-9]/.test(word) ? "w-" + word[0] : "w-x" + (word.codePointAt(0) & 15).toString(16);
  }

  // The events that hold a word: room, page and place as one number.
  function events(word, star) {
    var found = new Set(), look = ";" + word + (star ? "" : "=");
    (chunks[shard(word)] || []).forEach(function (chunk) {
      for (var at = chunk[2].indexOf(look); at >= 0; at = chunk[2].indexOf(look, at + 1)) {
        var begin = chunk[2].indexOf("=", at) + 1, end = chunk[2].indexOf(";", begin), place = 0;
        chunk[2].slice(begin, end < 0 ? undefined : end).split(",").forEach(function (step) {
          place += parseInt(step, 36);
          found.add((chunk[0] * FILL + chunk[1]) * 16384 + place);
        });
      }
    });
    return found;
  }

  function search() {
    var mine = ++run;
    terms = words(input.value);
    list.textContent = "";
    more.hidden = true;
    if (!terms.length) { say("Type a word."); return; }
    say("Searching…");
    var needed = Array.from(new Set(terms.map(function (term) { return shard(term[0]); })));
    var loads = needed.filter(function (name) { return shards[name]; }).map(function (name) {
      return script("search/" + name + ".js", function () { current = name; chunks[name] = []; });
    });
    Promise.all(loads).then(function () {
      if (mine !== run) { return; }
      var sets = terms.map(function (term) { return events(term[0], term[1]); });
      sets.sort(function (a, b) { return a.size - b.size; });
      var only = choice.value === "" ? -1 : Number(choice.value);
      results = Array.from(sets[0]).filter(function (place) {
        return (only < 0 || Math.floor(place / 16384 / FILL) === only) && sets.every(function (set) { return set.has(place); });
      });
      results.sort(function (a, b) { return a - b; });
      shown = 0;
      return show(mine);
    }).catch(function (error) { say(error.message); });
  }

  function show(mine) {
    var some = results.slice(shown, shown + STEP).map(function (place) {
      var page = Math.floor(place / 16384), room = Math.floor(page / FILL);
      var name = rooms[room][0] + "/" + String(page % FILL).padStart(6, "0");
      return { room: rooms[room], name: name, at: place % 16384 };
    });
    return Promise.all(some.map(function (one) { return script(one.name + ".js"); })).then(function () {
      if (mine !== run) { return; }
      some.forEach(function (one) { list.appendChild(item(one)); });
      shown += some.length;
      more.hidden = shown >= results.length;
      var count = results.length.toLocaleString("en") + (results.length === 1 ? " event" : " events");
      say(results.length ? count + (shown < results.length ? "; the first " + shown + " are shown." : ".") : "Nothing holds " + (terms.length > 1 ? "all these words." : "this word."));
    });
  }

  // Characters that turn the line are shown by their code.
  function visible(text) {
    return text.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u0000-\u001f\u007f-\u009f]/g, function (c) {
      return "[U+" + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0") + "]";
    });
  }

  function item(one) {
    var page = texts[one.name], event = page.events[one.at];
    var li = document.createElement("li"), link = document.createElement("a"), room = document.createElement("bdi");
    var who = document.createElement("bdi"), p = document.createElement("p");
    room.textContent = visible(one.room[1]);
    link.href = one.name + ".html#e" + event[0];
    link.append(room, " · " + event[1]);
    who.textContent = visible(page.people[event[2]]);
    p.dir = "auto";
    mark(p, event[3]);
    li.append(link, " ", who, p);
    return li;
  }

  // Marks the words in a text, and leaves out what is far from the first of them.
  function mark(into, text) {
    var typed = terms.map(function (term) {
      var letters = Array.from(term[0].normalize("NFD")).map(function (c) { return c.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") + "[" + IGNORED + "]*"; });
      var alone = /[^\u0000-\u024f]/.test(term[0]);
      return (alone ? "" : "(?<![\\p{L}\\p{N}])") + letters.join("") + (term[1] ? "[\\p{L}\\p{N}\\p{M}]*" : alone ? "" : "(?![\\p{L}\\p{N}])");
    });
    var pattern = new RegExp(typed.join("|"), "giu");
    text = text.normalize("NFD");
    var first = text.search(pattern), from = first > 160 ? first - 120 : 0;
    var part = (from ? "…" : "") + text.slice(from, from + 400) + (from + 400 < text.length ? "…" : ""), last = 0;
    Array.from(part.matchAll(pattern)).forEach(function (hit) {
      var found = document.createElement("mark");
      found.textContent = visible(hit[0].normalize("NFC"));
      into.append(visible(part.slice(last, hit.index).normalize("NFC")), found);
      last = hit.index + hit[0].length;
    });
    into.append(visible(part.slice(last).normalize("NFC")));
  }

  document.getElementById("form").addEventListener("submit", function (event) { event.preventDefault(); search(); });
  more.addEventListener("click", function () { show(run).catch(function (error) { say(error.message); }); });
  say("Loading the list of rooms…");
  window.addEventListener("error", function (event) {
    if (event.target && event.target.tagName === "SCRIPT") { say("This browser would not load " + event.target.getAttribute("src") + "."); }
  }, true);
})();
