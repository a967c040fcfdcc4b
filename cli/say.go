package cli

import "toban/i18n"

// say is a text of the catalogue in the language of --lang.
func (e *env) say(key string, places ...string) string { return i18n.In(e.lang).Say(key, places...) }
