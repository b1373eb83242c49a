"""Images over REST: what is known of them, one at a time and many at once."""

from __future__ import annotations

from uuid import uuid4

from tests.api.desks import Desk, Json, picture, problem


def images_of(desk: Desk, batch_id: str, count: int) -> list[Json]:
    files = [(f"{seed}.jpg", picture(seed)) for seed in range(count)]
    answer = desk.upload(batch_id, files)
    assert answer.status_code == 201, answer.text
    uploaded: list[Json] = answer.json()["uploaded"]
    return uploaded


def test_an_image_tells_where_it_is_and_what_it_is(desk: Desk) -> None:
    batch = desk.batch()
    content = picture(7, size=(80, 60))
    image = desk.image(batch["id"], content, name="IMG 7.jpg")
    answer = desk.client.get(f"/api/images/{image['id']}/")
    assert answer.headers["etag"] == f'"{image["version"]}"'
    told = answer.json()
    assert {name: value for name, value in image.items() if name != "already_there"} == told
    assert (told["batch"], told["batch_id"], told["patient_id"]) == (
        batch["id"],
        batch["id"],
        batch["patient_id"],
    )
    assert (told["original_name"], told["mime_type"], told["width"], told["height"]) == (
        "IMG 7.jpg", "image/jpeg", 80, 60,
    )  # fmt: skip
    assert told["s3_key"] == told["key"] == f"images/{batch['patient_id']}/{batch['id']}/{image['id']}.jpg"
    assert told["s3_thumbnail_key"].endswith("_thumb.jpg")
    assert (told["state"], told["category"], told["file_size"]) == ("ready", "other", len(content))
    for url in told["urls"].values():
        assert desk.client.get(url).status_code == 200
    assert len(desk.client.get(told["urls"]["thumbnail"]).content) == told["thumbnail_size"]


def test_two_changes_with_the_same_version_end_in_one_412(desk: Desk) -> None:
    path = f"/api/images/{desk.image()['id']}/"
    version = desk.client.get(path).headers["etag"]
    answers = [
        desk.client.patch(path, json={"caption": caption}, headers={"If-Match": version})
        for caption in ("first", "second")
    ]
    assert [answer.status_code for answer in answers] == [200, 412]
    assert problem(answers[1])["code"] == "stale"
    assert desk.client.get(path).json()["caption"] == "first"
    assert desk.client.patch(path, json={"caption": "third"}).json()["caption"] == "third"


def test_a_change_can_be_undone_by_its_id(desk: Desk) -> None:
    path = f"/api/images/{desk.image()['id']}/"
    changed = desk.client.patch(path, json={"category": "l_anterior", "body_location": "Left foot"})
    assert (changed.json()["category"], changed.json()["laterality"]) == ("l_anterior", "L")
    assert desk.client.patch(path, json={"category": "l_anterior"}).headers.get("x-change-id") is None
    undone = desk.client.post("/api/undo/", json={"change_id": changed.headers["x-change-id"]})
    assert undone.json() == {"undone": "image.edit"}
    assert desk.client.get(path).json()["category"] == "other"
    again = desk.client.post("/api/undo/", json={"change_id": changed.headers["x-change-id"]})
    assert (again.status_code, problem(again)["code"]) == (404, "not_found")


def test_undo_without_a_name_takes_back_the_latest_change(desk: Desk) -> None:
    path = f"/api/images/{desk.image()['id']}/"
    desk.client.patch(path, json={"caption": "one"})
    desk.client.patch(path, json={"caption": "two"})
    assert desk.client.post("/api/undo/").json() == {"undone": "image.edit"}
    assert desk.client.get(path).json()["caption"] == "one"


def test_only_categories_of_the_clinic_are_taken(desk: Desk) -> None:
    path = f"/api/images/{desk.image()['id']}/"
    answer = desk.client.patch(path, json={"category": "elbow"})
    assert answer.status_code == 422
    error = problem(answer)
    assert "r_anterior" in error["message"] + error["hint"]


def test_lists_hold_what_is_asked_for(desk: Desk) -> None:
    batch = desk.batch()
    first, second, third = images_of(desk, batch["id"], 3)
    desk.client.patch(f"/api/images/{second['id']}/", json={"category": "afo", "caption": "Brace, new"})
    desk.client.patch(f"/api/images/{third['id']}/", json={"order": 1, "date_taken": "2024-02-29"})

    def ids(**asked: str | int) -> list[str]:
        answer = desk.client.get("/api/images/", params={"batch_id": batch["id"], **asked})
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    assert ids() == [third["id"], first["id"], second["id"]]
    assert ids(category="afo") == ids(q="brace") == [second["id"]]
    assert ids(taken_from="2024-02-01", taken_to="2024-03-01") == [third["id"]]
    assert ids(page_size=2, page=2) == [second["id"]]
    whole = desk.client.get("/api/images/", params={"patient_id": batch["patient_id"]}).json()
    assert (whole["total"], whole["total_is_exact"]) == (3, True)


def test_many_images_get_the_same_category_in_one_change(desk: Desk) -> None:
    batch = desk.batch()
    ids = [each["id"] for each in images_of(desk, batch["id"], 3)]
    wish = {"image_ids": ids, "fields": {"category": "casts", "date_taken": "2025-01-31"}}
    done = desk.client.post("/api/images/edit/", json=wish)
    assert done.json() == {"count": 3, "change_id": done.headers["x-change-id"]}
    listed = desk.client.get("/api/images/", params={"batch_id": batch["id"]}).json()["items"]
    assert {(each["category"], each["date_taken"]) for each in listed} == {("casts", "2025-01-31")}
    desk.client.post("/api/undo/", json={"change_id": done.json()["change_id"]})
    listed = desk.client.get("/api/images/", params={"batch_id": batch["id"]}).json()["items"]
    assert {each["category"] for each in listed} == {"other"}


def test_a_wish_for_many_is_done_for_all_or_for_none(desk: Desk) -> None:
    image_id = desk.image()["id"]
    for path, more in (("edit", {"fields": {"category": "afo"}}), ("trash", {}), ("restore", {})):
        wish = {"image_ids": [image_id, str(uuid4())], **more}
        assert desk.client.post(f"/api/images/{path}/", json=wish).status_code == 404, path
        assert desk.client.post(f"/api/images/{path}/", json={**wish, "image_ids": []}).status_code == 422, (
            path
        )
    told = desk.client.get(f"/api/images/{image_id}/").json()
    assert (told["category"], told["trashed_at"]) == ("other", None)
    alone = {"image_ids": [image_id], "fields": {"caption": "for one only"}}
    assert desk.client.post("/api/images/edit/", json=alone).status_code == 422


def test_images_move_to_another_patient_only_for_a_reason(desk: Desk) -> None:
    batch = desk.batch()
    ids = [each["id"] for each in images_of(desk, batch["id"], 2)]
    near, far = desk.batch(batch["patient_id"]), desk.batch()
    moved = desk.client.post("/api/images/move/", json={"image_ids": ids[:1], "batch_id": near["id"]})
    assert moved.json()["count"] == 1
    wish = {"image_ids": ids[1:], "batch_id": far["id"]}
    assert desk.client.post("/api/images/move/", json=wish).status_code == 422
    assert desk.client.post("/api/images/move/", json={**wish, "reason": "mixed up"}).status_code == 200
    assert desk.client.get(f"/api/images/{ids[1]}/").json()["patient_id"] == far["patient_id"]


def test_images_go_to_the_trash_and_come_back(desk: Desk) -> None:
    batch = desk.batch()
    ids = [each["id"] for each in images_of(desk, batch["id"], 3)]
    trashed = desk.client.post("/api/images/trash/", json={"image_ids": ids[:2]})
    assert (trashed.json()["count"], desk.client.get(f"/api/images/{ids[0]}/").status_code) == (2, 404)
    restored = desk.client.post("/api/images/restore/", json={"image_ids": ids[:1]})
    assert restored.json() == {"count": 1, "change_id": None}
    one = desk.client.post(f"/api/images/{ids[1]}/restore/")
    assert (one.status_code, one.json()["id"]) == (200, ids[1])
    deleted = desk.client.delete(f"/api/images/{ids[2]}/")
    desk.client.post("/api/undo/", json={"change_id": deleted.headers["x-change-id"]})
    assert desk.client.get("/api/images/", params={"batch_id": batch["id"]}).json()["total"] == 3
