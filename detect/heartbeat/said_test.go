package heartbeat

import (
	"testing"
	"time"

	"toban/oncall"
)

func TestAHeartbeatIsSaidInTheLanguageOfTheInstallation(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)
	l := New(Options{})
	l.speak(&oncall.Directory{Settings: oncall.Settings{Language: "ja", Zone: "Asia/Tokyo"}})
	e := &entry{monitor: &oncall.Monitor{ID: "backup", Name: "夜間バックアップ"}, plan: oncall.HeartbeatPlan{Heartbeat: oncall.Heartbeat{Grace: 10 * time.Minute}}}
	for _, tc := range []struct {
		state          oncall.HeartbeatState
		title, summary string
	}{
		{
			oncall.HeartbeatState{Why: oncall.HeartbeatSilent, Missed: at, Heard: at.Add(-24 * time.Hour)},
			"夜間バックアップ: 予定の報告がありません", "夜間バックアップ: 2026-11-21 03:00 JST の報告がありません（最後の報告: 2026-11-20 03:00 JST）。猶予は10分です",
		},
		{oncall.HeartbeatState{Why: oncall.HeartbeatNever, Missed: at}, "夜間バックアップ: 一度も報告がありません", "夜間バックアップ: 最初の予定は 2026-11-21 03:00 JST でしたが、一度も報告がありません。猶予は10分です"},
		{oncall.HeartbeatState{Why: oncall.HeartbeatFailed, Ended: at, Exit: 3}, "夜間バックアップ: 終了コード 3 で失敗しました", "夜間バックアップ: 2026-11-21 03:00 JST に終了コード 3 で失敗しました"},
		{oncall.HeartbeatState{Why: oncall.HeartbeatFailed, Ended: at}, "夜間バックアップ: 失敗が報告されました", "夜間バックアップ: 2026-11-21 03:00 JST に失敗が報告されました"},
		{oncall.HeartbeatState{Why: oncall.HeartbeatOverrun, Missed: at}, "夜間バックアップ: 実行が終わりません", "夜間バックアップ: 2026-11-21 03:00 JST に始まった実行が、10分たっても終わっていません"},
	} {
		if title, summary := l.sentences(l.spokenIn(), tc.state, e); title != tc.title || summary != tc.summary {
			t.Errorf("%s: got %q, %q, want %q, %q", tc.state.Why, title, summary, tc.title, tc.summary)
		}
	}
}
