package storybook

import (
	"time"

	"toban/web/view"
)

// texts are what the stories say, in the reader's language: they are data here,
// as titles and names are.
func texts(lang, ja, en string) string {
	if lang == "ja" {
		return ja
	}
	return en
}

func steps(s view.Shell) []view.StairStep {
	say := func(ja, en string) string { return texts(s.Lang, ja, en) }
	return []view.StairStep{
		{
			At: s.Now.Add(-4 * time.Second), Kind: "call", Now: true,
			Sentence: say("松さんに電話しています", "Matsu’s phone is ringing"), Why: say("第1段階の当番", "on duty on level 1"),
		},
		{
			At: s.Now.Add(21 * time.Second), Kind: "sms",
			Sentence: say("松さんにSMS", "SMS to Matsu"), Why: say("松さんの通知ルール: 電話に出なければSMS", "Matsu’s rule: SMS if the call is not answered"),
		},
		{
			At: s.Now.Add(192 * time.Second), Kind: "level",
			Sentence: say("第2段階の竹さんへ", "level 2: Take"), Why: say("3分12秒たっても誰も対応していないため", "nobody has it after 3:12"),
		},
		{
			At: s.Now.Add(23*time.Minute + 12*time.Second), Kind: "repeat", Surprise: true,
			Sentence: say("はじめから繰り返し（残り1回）", "once more from the start (1 of 2 left)"),
		},
		{At: s.Now.Add(40 * time.Minute), In: say("40分後", "in 40:00"), Kind: "fallback", Sentence: say("最後の連絡先: 梅さん", "the fallback: Ume")},
		{At: s.Now.Add(41 * time.Minute), Kind: "taken", Sentence: say("梅さんが対応", "Ume takes it")},
		{At: s.Now.Add(71 * time.Minute), Kind: "done", Sentence: say("解決", "Resolved")},
	}
}

func lines(s view.Shell) []view.TimelineLine {
	say := func(ja, en string) string { return texts(s.Lang, ja, en) }
	return []view.TimelineLine{
		{
			ID: "line-4", Seq: 4, At: s.Now.Add(-3 * time.Second), Icon: "note", Human: true, Sentence: say("竹さんのメモ", "Take wrote"),
			Note: say("決済会社の障害情報を確認中。\nこちらからは切り替えません。", "Looking at the provider’s status page.\nWe don’t switch over."),
		},
		{ID: "line-3", Seq: 3, At: s.Now.Add(-30 * time.Second), Icon: "check", Human: true, Sentence: say("竹さんが対応を始めました", "Take acknowledged")},
		{
			ID: "line-2", Seq: 2, At: s.Now.Add(-55 * time.Second), Icon: "phone", Sentence: say("松さんに電話、話し中", "Called Matsu: busy"),
			Folded: []view.TimelineLine{
				{At: s.Now.Add(-56 * time.Second), Icon: "dot", Sentence: say("送信待ち", "queued")},
				{At: s.Now.Add(-55 * time.Second), Icon: "cross", Sentence: say("話し中", "busy")},
			},
		},
		{ID: "line-1", Seq: 1, At: s.Now.Add(-time.Minute), Icon: "triggered", Sentence: say("決済が応答しません（緊急）", "Checkout does not answer (critical)")},
	}
}

func calendar(s view.Shell, zone *time.Location, days int) view.Calendar {
	say := func(ja, en string) string { return texts(s.Lang, ja, en) }
	now := s.Now.In(zone)
	from := time.Date(now.Year(), now.Month(), now.Day()-2, 0, 0, 0, 0, zone)
	day := func(n int, hour int) time.Time {
		return time.Date(from.Year(), from.Month(), from.Day()+n, hour, 0, 0, 0, zone)
	}
	people := []string{say("松さん", "Matsu"), say("竹さん", "Take"), say("梅さん", "Ume")}
	var final []view.Shift
	for n := range (days + 1) / 2 {
		who := n % len(people)
		final = append(final, view.Shift{From: day(2*n-1, 9), To: day(2*n+1, 9), Who: people[who], Tone: who, Mine: who == 2, Path: "/oncall"})
	}
	last := &final[len(final)-1]
	last.To = last.From.Add(24 * time.Hour)
	final = append(final, view.Shift{From: last.To, To: day(days, 0), Gap: true})
	final[1].Note = say("松さんの代わり", "instead of Matsu")
	return view.Calendar{
		ID: "payments-" + texts(s.Lang, "ja", "en") + "-" + now.Format("0102"), Zone: zone, From: day(0, 0), To: day(days, 0),
		Title: say("決済の当番: いまは竹さん、空きが1つあります", "Who is on call for Payments: Take now, one gap ahead"),
		Lanes: []view.Lane{
			{Label: say("実際の当番", "On duty"), Final: true, Shifts: final},
			{Label: say("代行", "Overrides"), Shifts: []view.Shift{{From: day(1, 9), To: day(3, 9), Who: people[1], Tone: 1}}},
			{Label: say("平日の夜と週末のとても長い名前のレイヤー", "A layer with a very long name for the nights"), Shifts: []view.Shift{
				{From: day(-1, 9), To: day(4, 9), Who: people[0]}, {From: day(4, 9), To: day(4, 12), Who: people[1], Tone: 1}, {From: day(4, 12), To: day(days, 0), Who: people[2], Tone: 2},
			}},
		},
	}
}

// Zones are those of the calendars in the stories: the reader's is Tokyo.
type Zones struct{ Tokyo, NewYork *time.Location }

// Shell is the reader of the stories: Ume, in the night from Thursday to Friday.
func Shell(lang, theme string, zones Zones) view.Shell {
	return view.Shell{
		Lang: lang, Theme: theme, Title: texts(lang, "部品の一覧", "Storybook"), Active: "incidents",
		Static: "/static/test", Live: "/live?topic=storybook",
		User: view.UserBadge{ID: "ume", Name: texts(lang, "梅さん", "Ume")}, Role: "manager",
		Duty:   texts(lang, "11/23(月) 09:00 まで決済の当番です · 控え: 竹さん", "You are on call for Payments until Mon 23 Nov 09:00 · backup: Take"),
		Counts: view.Counts{Triggered: 3, Acknowledged: 2, Mine: 1},
		Flash: &view.Flash{
			Kind: "ok", Text: texts(lang, "#42 の対応を始めました。", "You have #42."),
			Undo: &view.Action{Label: texts(lang, "元に戻す", "Undo"), Path: "/incidents/42/undo", Icon: "undo"},
		},
		Now: time.Date(2026, 11, 20, 3, 2, 10, 0, zones.Tokyo), Zone: zones.Tokyo,
	}
}
