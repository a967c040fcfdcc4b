package view

import (
	"context"
	"io"
	"sync"

	"github.com/a-h/templ"
)

// Icon draws a small sign beside a word. It says nothing by itself: assistive
// technology passes it over. An unknown name is a dot.
func Icon(name string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, `<svg class="icon icon-`+class(name)+`" viewBox="0 0 24 24" aria-hidden="true">`+shape(name)+`</svg>`)
		return err
	})
}

// class is name if there is such a sign, so that nothing strange gets into HTML.
func class(name string) string {
	if shapes()[name] == "" {
		return "dot"
	}
	return name
}

func shape(name string) string { return shapes()[class(name)] }

// shapes are the signs, drawn with strokes of one width (components.css).
var shapes = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"dot":          `<circle cx="12" cy="12" r="3" class="fill"/>`,
		"triggered":    `<circle cx="12" cy="12" r="8" class="fill"/>`,
		"acknowledged": `<circle cx="12" cy="12" r="8"/><path class="fill" d="M12 4a8 8 0 0 1 0 16z"/>`,
		"resolved":     `<path d="M5 13l4.5 4.5L19 7"/>`,
		"check":        `<path d="M5 13l4.5 4.5L19 7"/>`,
		"cross":        `<path d="M6 6l12 12M18 6L6 18"/>`,
		"alert":        `<path d="M12 4l9 16H3zM12 10v4M12 17v.5"/>`,
		"info":         `<circle cx="12" cy="12" r="9"/><path d="M12 11v6M12 7v.5"/>`,
		"phone":        `<path d="M6 3h3l2 5-2.5 1.5a11 11 0 0 0 6 6L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z"/>`,
		"hangup":       `<path d="M3 15c0-6 18-6 18 0l-.5 2-4.5-1v-3a13 13 0 0 0-8 0v3l-4.5 1z"/>`,
		"sms":          `<path d="M4 5h16v11H10l-4 4v-4H4zM8 10.5h.1M12 10.5h.1M16 10.5h.1"/>`,
		"chat":         `<path d="M9 4L7 20M17 4l-2 16M4 9h16M4 15h16"/>`,
		"email":        `<path d="M3 6h18v12H3zM3 7l9 7 9-7"/>`,
		"push":         `<path d="M7 3h10v18H7zM11 18h2"/>`,
		"bell":         `<path d="M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4"/>`,
		"clock":        `<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.5 2"/>`,
		"user":         `<circle cx="12" cy="8" r="4"/><path d="M4 21a8 8 0 0 1 16 0"/>`,
		"users":        `<circle cx="9" cy="8" r="3.5"/><path d="M2 20a7 7 0 0 1 14 0M16 5a3.5 3.5 0 0 1 0 6.5M18 14a7 7 0 0 1 4 6"/>`,
		"note":         `<path d="M5 4h14v12l-4 4H5zM9 9h6M9 13h4"/>`,
		"repeat":       `<path d="M4 12a8 8 0 0 1 14-5l2 2M20 4v5h-5M20 12a8 8 0 0 1-14 5l-2-2M4 20v-5h5"/>`,
		"up":           `<path d="M12 20V5M6 11l6-6 6 6"/>`,
		"down":         `<path d="M12 4v15M6 13l6 6 6-6"/>`,
		"next":         `<path d="M9 5l7 7-7 7"/>`,
		"back":         `<path d="M15 5l-7 7 7 7"/>`,
		"undo":         `<path d="M9 6L4 11l5 5M4 11h10a5 5 0 0 1 0 10h-3"/>`,
		"plus":         `<path d="M12 5v14M5 12h14"/>`,
		"menu":         `<path d="M4 7h16M4 12h16M4 17h16"/>`,
		"more":         `<path class="fill" d="M5 10.5a1.5 1.5 0 1 0 .1 0zM12 10.5a1.5 1.5 0 1 0 .1 0zM19 10.5a1.5 1.5 0 1 0 .1 0z"/>`,
		"search":       `<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5L21 21"/>`,
		"calendar":     `<path d="M4 6h16v14H4zM4 10.5h16M8 3v5M16 3v5"/>`,
		"layers":       `<path d="M12 3l9 5-9 5-9-5zM3 12.5l9 5 9-5M3 17l9 5 9-5"/>`,
		"stair":        `<path d="M3 20h5v-5h5v-5h5V5h3"/>`,
		"gear":         `<circle cx="12" cy="12" r="3.5"/><path d="M12 2v4M12 18v4M2 12h4M18 12h4M5 5l2.8 2.8M16.2 16.2L19 19M19 5l-2.8 2.8M7.8 16.2L5 19"/>`,
		"bolt":         `<path d="M13 2L5 14h6l-1 8 8-12h-6z"/>`,
		"plug":         `<path d="M8 3v5M16 3v5M5 8h14v3a7 7 0 0 1-14 0zM12 18v4"/>`,
		"moon":         `<path d="M20 14A8.5 8.5 0 0 1 10 4a8.5 8.5 0 1 0 10 10z"/>`,
		"snooze":       `<path d="M5 5h6l-6 8h6M14 11h5l-5 7h5"/>`,
		"key":          `<circle cx="8" cy="8" r="5"/><path d="M11.5 11.5L21 21M17 17l3-3"/>`,
		"link":         `<path d="M10 14a4 4 0 0 0 6 0l4-4a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-4 4a4 4 0 0 0 6 6l1-1"/>`,
		"lock":         `<path d="M5 11h14v10H5zM8 11V8a4 4 0 0 1 8 0v3"/>`,
		"shop":         `<path d="M4 10v10h16V10M3 10l2-6h14l2 6zM10 20v-6h4v6"/>`,
		"robot":        `<path d="M5 8h14v11H5zM12 4v4M9 12.5v1.5M15 12.5v1.5"/>`,
		"chart":        `<path d="M4 4v16h16M7 15l4-5 4 3 5-7"/>`,
		"pulse":        `<path d="M3 12h4l3-8 4 16 3-8h4"/>`,
		"pause":        `<path d="M9 6v12M15 6v12"/>`,
		"help":         `<path d="M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1.1-1.5 2.3M12 18.5v.1"/>`,
		"sun":          `<circle cx="12" cy="12" r="4"/><path d="M12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2"/>`,
	}
})
