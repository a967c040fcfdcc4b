package static

import (
	"html"
	"strings"

	"toban/i18n"
)

// Offline is the page that the service worker keeps, at offline?lang=…, and
// shows when nothing can be reached. It holds no data; the worker puts the time
// of the last page where %SEEN% stands.
func Offline(base, lang string) []byte {
	p := i18n.In(lang)
	say := func(key string, places ...string) string { return html.EscapeString(p.Say(key, places...)) }
	return []byte(strings.NewReplacer(
		"{lang}", p.Language(), "{style}", html.EscapeString(Base(base)+"/css/app.css"), "{product}", say("push.app.name"),
		"{title}", say("push.offline.title"), "{seen}", say("push.offline.seen", "time", "%SEEN%"), "{retry}", say("push.offline.retry"),
	).Replace(offlinePage))
}

const offlinePage = `<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<title>{title} · {product}</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<link rel="stylesheet" href="{style}">
</head>
<body class="bare">
<header class="top"><span class="mark">{product}</span></header>
<main id="main">
<div class="empty">
<h1 class="empty-title">{title}</h1>
<p class="muted">{seen}</p>
<p class="empty-act"><a class="button" href="">{retry}</a></p>
</div>
</main>
</body>
</html>
`
