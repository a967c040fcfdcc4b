package twilio

import (
	"slices"
	"strings"
)

// voiceFit says whether a voice can speak a language.
type voiceFit int

const (
	fits voiceFit = iota
	unknownVoice
	otherLanguage
)

// pollyVoice is a speaker of Amazon Polly: some have a standard voice, some a
// neural one, some both.
type pollyVoice struct {
	language         string
	standard, neural bool
}

// pollyVoices are the Japanese speakers, all of them, and the usual English
// ones.
var pollyVoices = map[string]pollyVoice{
	"Mizuki":   {"ja-JP", true, false},
	"Takumi":   {"ja-JP", true, true},
	"Kazuha":   {"ja-JP", false, true},
	"Tomoko":   {"ja-JP", false, true},
	"Joanna":   {"en-US", true, true},
	"Matthew":  {"en-US", true, true},
	"Ivy":      {"en-US", true, true},
	"Justin":   {"en-US", true, true},
	"Kendra":   {"en-US", true, true},
	"Kimberly": {"en-US", true, true},
	"Salli":    {"en-US", true, true},
	"Joey":     {"en-US", true, true},
	"Danielle": {"en-US", false, true},
	"Ruth":     {"en-US", false, true},
	"Stephen":  {"en-US", false, true},
	"Amy":      {"en-GB", true, true},
	"Brian":    {"en-GB", true, true},
	"Emma":     {"en-GB", true, true},
	"Arthur":   {"en-GB", false, true},
	"Nicole":   {"en-AU", true, false},
	"Russell":  {"en-AU", true, false},
	"Olivia":   {"en-AU", false, true},
}

// googleVoices are the families of the Japanese voices that are known for sure,
// with their letters.
var googleVoices = map[string]string{"Standard": "BCD", "Wavenet": "BCD", "Neural2": "BCD"}

// basicLanguages are what the voices man and woman speak.
var basicLanguages = []string{"", "en", "en-US", "en-gb", "en-GB", "es", "es-ES", "fr", "fr-FR", "de", "de-DE"}

// voiceFits looks a voice up. No voice at all is the language's default one.
func voiceFits(voice, language string) voiceFit {
	spoken := ""
	switch engine, name, _ := strings.Cut(voice, "."); engine {
	case "":
		return fits
	case "man", "woman":
		if name == "" && slices.Contains(basicLanguages, language) {
			return fits
		}
		return otherLanguage
	case "alice":
		return fits
	case "Polly":
		speaker, neural := strings.CutSuffix(name, "-Neural")
		v, known := pollyVoices[speaker]
		if !known || neural && !v.neural || !neural && !v.standard {
			return unknownVoice
		}
		spoken = v.language
	case "Google":
		parts := strings.Split(name, "-") // ja-JP-Wavenet-B
		if len(parts) < 4 || len(parts[3]) == 0 || !isLanguage(parts[0]+"-"+parts[1]) {
			return unknownVoice
		}
		spoken = parts[0] + "-" + parts[1]
		if letters, known := googleVoices[parts[2]]; spoken == "ja-JP" && parts[2] != "Chirp3" &&
			(!known || !strings.Contains(letters, parts[3])) {
			return unknownVoice
		}
	default:
		return unknownVoice
	}
	if language != "" && language != spoken {
		return otherLanguage
	}
	return fits
}

// speaksMarkup says whether the voice understands SSML.
func speaksMarkup(voice string) bool {
	return strings.HasPrefix(voice, "Polly.") || strings.HasPrefix(voice, "Google.")
}

// languages are those that can be spoken.
var languages = []string{
	"en", "es", "fr", "de",
	"ar-AE", "ca-ES", "cmn-CN", "cmn-TW", "cy-GB", "da-DK", "de-AT", "de-DE", "en-AU", "en-CA", "en-GB", "en-GB-WLS", "en-IE",
	"en-IN", "en-NZ", "en-US", "en-ZA", "en-gb", "es-ES", "es-MX", "es-US", "fi-FI", "fr-BE", "fr-CA", "fr-FR", "hi-IN", "id-ID",
	"is-IS", "it-IT", "ja-JP", "ko-KR", "nb-NO", "nl-BE", "nl-NL", "pl-PL", "pt-BR", "pt-PT", "ro-RO", "ru-RU", "sv-SE",
	"th-TH", "tr-TR", "uk-UA", "vi-VN", "yue-CN", "zh-CN", "zh-HK", "zh-TW",
}

func isLanguage(code string) bool { return slices.Contains(languages, code) }
