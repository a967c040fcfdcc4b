package config

import "toban/oncall"

// settings reads the section `toban`.
func (l *loader) settings(n *node) {
	s := &oncall.Settings{Language: "en", Zone: "UTC", Spend: oncall.Spend{WarnAt: 0.8}}
	l.put(kindSettings, kindSettings, s, n)
	l.config.Server = Server{}
	l.installation = s
	if n == nil {
		return
	}
	f := l.fields(n, n, "external_url", "language", "zone", "mode", "listen", "public", "trusted_proxies", "aws", "spend")
	s.Language = f.word("language", s.Language, "ja", "en")
	s.Zone = f.zone("zone", s.Zone)
	s.Shadow = f.word("mode", "live", "live", "shadow") == "shadow"
	server := &l.config.Server
	server.ExternalURL = f.url("external_url")
	server.Listen = f.listen("listen")
	if public := f.node("public"); public != nil {
		g := l.fields(f.key("public"), public, "listen", "url")
		server.Public = Public{Listen: g.listen("listen"), URL: g.url("url")}
		g.need("listen", "an address such as 0.0.0.0:8443, or leave out public")
	}
	server.TrustedProxies = l.networksOf(f, "trusted_proxies")
	s.TrustedProxies = server.TrustedProxies
	s.ExternalURL, s.PublicURL = server.ExternalURL, server.Public.URL
	if f.has("aws") {
		l.fields(f.key("aws"), f.node("aws"), "listen").listen("listen")
		l.warnf(f.key("aws"), "aws is not used yet: it acts from the version on that runs workflows")
	}
	if spend := f.node("spend"); spend != nil {
		g := l.fields(f.key("spend"), spend, "per_hour", "per_day", "warn_at")
		s.Spend.PerHour, s.Spend.PerDay = g.money("per_hour"), g.money("per_day")
		s.Spend.WarnAt = g.percent("warn_at", s.Spend.WarnAt)
	}
	l.afterwards(func() {
		if l.currency == nil {
			return
		}
		s.Spend.Currency = l.currency.text
		if t := l.config.Providers.Twilio; t != nil && t.CallMinuteMicros == 0 && (s.Spend.PerHour > 0 || s.Spend.PerDay > 0) {
			l.warnf(f.key("spend"), "a cap needs providers.twilio.tariff to know what a call costs; until then it caps only what the provider reports")
		}
	})
}
