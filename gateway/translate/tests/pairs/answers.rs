//! Whole answers of every dialect, for every surface.

use fairlead_translate::Answered;
use proptest::prelude::*;

use crate::formats::ALL;
use crate::heard::Heard;
use crate::said::said;

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_means_the_same_whoever_gives_it_and_whoever_asked(said in said()) {
        let answer = said.whole();
        let expected = Heard::of(&answer).meaning();
        for sent in ALL {
            let body = sent.answer(&answer);
            let Ok(Answered::Answer(read)) = sent.answered(&body) else {
                panic!("{sent:?}: no answer");
            };
            for given in ALL {
                let body = given.answer(&read);
                let Ok(Answered::Answer(heard)) = given.answered(&body) else {
                    panic!("{sent:?} {given:?}: no answer");
                };
                prop_assert_eq!(Heard::of(&heard).meaning(), expected.clone(), "{:?} {:?}", sent, given);
            }
        }
    }
}
