package twilio

// words are the page's texts.
var words = map[string]map[string]string{
	"en": {
		"title":         "Phones",
		"simulated":     "simulated — nothing leaves this machine",
		"simulated.one": "simulated — no provider, no charge",
		"none":          "No phone is known yet. The first call brings one.",
		"idle":          "quiet", "ringing": "ringing", "talking": "on the phone",
		"from": "from", "answer": "Answer", "decline": "Decline", "hangup": "Hang up",
		"keys": "Keys", "listening": "keys are heard", "deaf": "nobody listens to keys now", "pressed": "pressed", "unheard": "not heard",
		"history": "Calls before", "nocalls": "no calls yet", "notes": "Problems the provider told",
		"stale": "not live since", "machine": "voicemail", "playing": "a sound",
		"end.queued": "waits in the queue", "end.completed": "answered and over", "end.busy": "busy", "end.failed": "failed",
		"end.no-answer": "not answered", "end.canceled": "taken back by the caller",
	},
	"ja": {
		"title":         "電話",
		"simulated":     "模擬の電話です。この機械の外へは何も出ません（simulated — nothing leaves this machine）",
		"simulated.one": "模擬の電話です。通話料はかかりません",
		"none":          "電話はまだありません。最初の呼び出しで現れます。",
		"idle":          "待機中", "ringing": "呼び出し中", "talking": "通話中",
		"from": "発信元", "answer": "出る", "decline": "拒否", "hangup": "切る",
		"keys": "キー", "listening": "キーを待っています", "deaf": "いまキーは聞かれていません", "pressed": "押したキー", "unheard": "聞かれませんでした",
		"history": "これまでの着信", "nocalls": "着信はまだありません", "notes": "プロバイダーが伝えた問題",
		"stale": "更新が止まった時刻", "machine": "留守番電話", "playing": "音声",
		"end.queued": "順番待ち", "end.completed": "応答して終了", "end.busy": "話し中", "end.failed": "接続失敗",
		"end.no-answer": "応答なし", "end.canceled": "発信側が取り消し",
	},
}
