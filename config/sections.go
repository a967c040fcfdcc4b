package config

import "slices"

// used are the sections that this version acts on.
func used() []string {
	return []string{"toban", "providers", "users", "schedules", "policies", "services", "integrations", "pagers", "locations", "modules", "monitors", "gateway", "metrics", "tests"}
}

// ahead says what the sections of later versions wait for. They are read so
// that a folder can be written for both; a pager that does nothing silently
// would be a lie, so each says so.
func ahead() map[string]string {
	return map[string]string{
		"functions":   "from the version on that runs functions",
		"workflows":   "from the version on that runs workflows",
		"jobs":        "from the version on that runs workflows",
		"connections": "from the version on that runs workflows",
		"messages":    "from the version on that has templates of one's own; until then the built-in words are spoken",
		"groups":      "from the version on that groups alerts; until then every key is an incident of its own",
		"silences":    "from the version on that has silences; until then nothing is silenced",
		"routes":      "from the version on that groups alerts; until then a service's match decides",
	}
}

func sectionNames() []string {
	names := used()
	for name := range ahead() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// sections warns of what is written but not acted on yet.
func (l *loader) sections(top fields) {
	for section, from := range ahead() {
		if top.has(section) {
			l.warnf(top.key(section), "the section %s is not used yet: it acts %s", section, from)
		}
	}
}
